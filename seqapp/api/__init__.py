"""What every command does, as Python calls: train, evaluate, export, compare, backtest."""
