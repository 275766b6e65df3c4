from typing import TYPE_CHECKING

from gregaria.compat._explain import LATER, explain
from gregaria.compat._writable import make_writable
from gregaria.report.locust_api import StatsCSV as StatsCSV
from gregaria.report.locust_api import StatsCSVFileWriter as StatsCSVFileWriter
from gregaria.report.locust_api import get_error_report_summary as get_error_report_summary
from gregaria.report.locust_api import get_percentile_stats_summary as get_percentile_stats_summary
from gregaria.report.locust_api import get_readable_percentiles as get_readable_percentiles
from gregaria.report.locust_api import get_stats_summary as get_stats_summary
from gregaria.report.locust_api import print_error_report as print_error_report
from gregaria.report.locust_api import print_percentile_stats as print_percentile_stats
from gregaria.report.locust_api import print_stats as print_stats
from gregaria.report.locust_api import print_stats_json as print_stats_json
from gregaria.report.locust_api import save_stats_json as save_stats_json
from gregaria.report.locust_api import sort_stats as sort_stats
from gregaria.report.locust_api import stats_history as stats_history
from gregaria.report.locust_api import stats_printer as stats_printer
from gregaria.report.locust_api import update_stats_history as update_stats_history
from gregaria.settings import check_percentiles, settings
from gregaria.stats.entry import StatsEntry as StatsEntry
from gregaria.stats.failures import StatsError as StatsError
from gregaria.stats.table import RequestStats as RequestStats
