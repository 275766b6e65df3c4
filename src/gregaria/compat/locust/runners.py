from typing import TypedDict

from gregaria.cluster.master import MasterRunner as MasterRunner
from gregaria.cluster.roster import WorkerNode as WorkerNode
from gregaria.cluster.roster import WorkerNodes as WorkerNodes
from gregaria.cluster.worker import WorkerRunner as WorkerRunner
from gregaria.compat._writable import make_writable
from gregaria.runner.local import LocalRunner as LocalRunner
from gregaria.runner.roles import DistributedRunner as DistributedRunner
from gregaria.runner.runner import Runner as Runner
from gregaria.runner.state import STATE_CLEANUP as STATE_CLEANUP
from gregaria.runner.state import STATE_INIT as STATE_INIT
from gregaria.runner.state import STATE_MISSING as STATE_MISSING
from gregaria.runner.state import STATE_RUNNING as STATE_RUNNING
from gregaria.runner.state import STATE_SPAWNING as STATE_SPAWNING
from gregaria.runner.state import STATE_STOPPED as STATE_STOPPED
from gregaria.runner.state import STATE_STOPPING as STATE_STOPPING

HEARTBEAT_INTERVAL: float
HEARTBEAT_LIVENESS: int
HEARTBEAT_DEAD_INTERNAL: float
MASTER_HEARTBEAT_TIMEOUT: float
WORKER_REPORT_INTERVAL: float
WORKER_LOG_REPORT_INTERVAL: float
CPU_MONITOR_INTERVAL: float
CPU_WARNING_THRESHOLD: float
CONNECT_TIMEOUT: float
CONNECT_RETRY_COUNT: int
FALLBACK_INTERVAL: float

__all__ = [
    "CONNECT_RETRY_COUNT",
    "CONNECT_TIMEOUT",
    "CPU_MONITOR_INTERVAL",
    "CPU_WARNING_THRESHOLD",
    "FALLBACK_INTERVAL",
    "HEARTBEAT_DEAD_INTERNAL",
    "HEARTBEAT_INTERVAL",
    "HEARTBEAT_LIVENESS",
    "MASTER_HEARTBEAT_TIMEOUT",
    "STATE_CLEANUP",
    "STATE_INIT",
    "STATE_MISSING",
    "STATE_RUNNING",
    "STATE_SPAWNING",
    "STATE_STOPPED",
    "STATE_STOPPING",
    "WORKER_LOG_REPORT_INTERVAL",
    "WORKER_REPORT_INTERVAL",
    "DistributedRunner",
    "ExceptionDict",
    "LocalRunner",
    "MasterRunner",
    "Runner",
    "WorkerNode",
    "WorkerNodes",
    "WorkerRunner",
]


class ExceptionDict(TypedDict):
    """One entry of ``runner.exceptions``."""

    count: int
    msg: str
    traceback: str
    nodes: set[str]


make_writable(
    __name__,
    {
        "HEARTBEAT_INTERVAL": "heartbeat_interval_s",
        "HEARTBEAT_LIVENESS": "heartbeat_liveness",
        "HEARTBEAT_DEAD_INTERNAL": "heartbeat_dead_internal_s",
        "MASTER_HEARTBEAT_TIMEOUT": "master_heartbeat_timeout_s",
        "WORKER_REPORT_INTERVAL": "worker_report_interval_s",
        "WORKER_LOG_REPORT_INTERVAL": "worker_log_report_interval_s",
        "CPU_MONITOR_INTERVAL": "cpu_monitor_interval_s",
        "CPU_WARNING_THRESHOLD": "cpu_warning_threshold",
        "CONNECT_TIMEOUT": "connect_retry_timeout_s",
        "CONNECT_RETRY_COUNT": "connect_retry_count",
        "FALLBACK_INTERVAL": "fallback_interval_s",
    },
)
