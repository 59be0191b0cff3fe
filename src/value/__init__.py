"""What a client is worth: discounted future margin on the survival curve, and the value of the next purchases."""
