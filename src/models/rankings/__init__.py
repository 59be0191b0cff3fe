"""The order in which products would be proposed to each client, judged beside plain ways of making one."""
