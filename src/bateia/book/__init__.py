"""The order book: messages of an exchange to book state to features."""
