"""TODO backtest."""
