"""What the firm recorded: the input contract, its mapping from the firm's own tables, its checks, and a simulator."""

from appetence.book.book import Book, open_book

__all__ = ["Book", "open_book"]
