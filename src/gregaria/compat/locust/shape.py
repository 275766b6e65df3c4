from gregaria.runner.shape import LoadTestShape as LoadTestShape
from gregaria.runner.shape import LoadTestShapeMeta as LoadTestShapeMeta

__all__ = ["LoadTestShape", "LoadTestShapeMeta"]
