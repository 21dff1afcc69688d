"""CVaR minimisation: risk-averse learning and portfolio choice."""
