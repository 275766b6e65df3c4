"""What a person may choose for a cluster, by name: light, as ``--version`` loads the options, too."""

__all__ = ["BALANCES", "CONTINUE", "ON_MASTER_LOSS", "PAUSE", "QUIT"]

#: what a worker does when its lease is over
PAUSE, CONTINUE, QUIT = "pause", "continue", "quit"
ON_MASTER_LOSS = (PAUSE, CONTINUE, QUIT)

#: how users are shared among workers, as ``runner/dispatch.py`` knows it
BALANCES = ("equal", "capacity")
