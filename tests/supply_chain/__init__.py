"""What comes from others: the locks, their known vulnerabilities (`make audit`), and how all of it is installed."""
