from gregaria.runner.shape import LoadTestShape as LoadTestShape

#: Locust's shapes have a metaclass of their own, Gregaria's need none
LoadTestShapeMeta = type(LoadTestShape)

__all__ = ["LoadTestShape", "LoadTestShapeMeta"]
