from gregaria.runner.dispatch import UsersDispatcher as UsersDispatcher

__all__ = ["UsersDispatcher"]
