from gregaria.users.markov import InvalidTransitionError as InvalidTransitionError
from gregaria.users.markov import MarkovTaskSet as MarkovTaskSet
from gregaria.users.markov import MarkovTaskTagError as MarkovTaskTagError
from gregaria.users.markov import NoMarkovTasksError as NoMarkovTasksError
from gregaria.users.markov import NonMarkovTaskTransitionError as NonMarkovTaskTransitionError
from gregaria.users.markov import transition as transition
from gregaria.users.markov import transitions as transitions

__all__ = [
    "InvalidTransitionError",
    "MarkovTaskSet",
    "MarkovTaskTagError",
    "NoMarkovTasksError",
    "NonMarkovTaskTransitionError",
    "transition",
    "transitions",
]
