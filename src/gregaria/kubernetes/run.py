"""The life of a run on a cluster: its objects, its pods, its log, its reports, its exit code, and nothing left."""

import contextlib
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import gevent
from gevent.event import Event

from gregaria.errors import CommandError, ExitCode
from gregaria.kubernetes.client import Api, ApiError
from gregaria.kubernetes.manifests import Plan, dependents, master_job
from gregaria.kubernetes.reports import PACK, Reports
from gregaria.kubernetes.screen import Screen
from gregaria.kubernetes.watch import Crowd, Trouble, refusal, state_of, trouble_of_event, why_failed, why_taken
from gregaria.report.progress import TEST_IS_OVER

__all__ = ["KubernetesRun", "Patience", "end_test", "selector_of"]

#: ends a test as the page's button does, if there is one; prints the state in which it was
_END_TEST = """
import json, urllib.request
page = "http://localhost:8089"
state = json.load(urllib.request.urlopen(page + "/stats/requests", timeout=10))["state"]
if state in ("spawning", "running"):
    urllib.request.urlopen(page + "/stop", timeout=10).close()
print(state)
"""
_END_MASTER = ["sh", "-c", "kill -TERM 1"]
#: whether reports can be brought
_TRY = ["tar", "--version"]
_IN_A_TEST = ("spawning", "running", "stopping", "cleanup")
#: of the log of a worker that has ended
_LINES_TOLD = 15
#: exit codes above are signals' numbers
_LARGEST_CODE = 128


class _Interrupted(Exception):
    """A person, or what runs the pipeline, wants no more of it."""


@dataclass(frozen=True)
class Patience:
    """How many seconds this and that may take.

    Attributes:
        trouble_s: that an image cannot be pulled, or that there is no room, before the run is given up.
        silence_s: without an answer of the API server before the run is given up.
        told_s: the same before it is told.
        again_s: between two tries.
        look_s: between two looks at what keeps pods from being made.
        command_s: a command in a pod.
        cleaning_s: to delete what was made.
    """

    trouble_s: float = 30.0
    silence_s: float = 300.0
    told_s: float = 3.0
    again_s: float = 1.0
    look_s: float = 2.0
    command_s: float = 120.0
    cleaning_s: float = 30.0


class KubernetesRun:
    """One run.

    Args:
        api: of the cluster.
        plan: what is run.
        reports: what is brought back.
        screen: where it is told.
        keeps: leave the objects there.
        patience: with what goes wrong.
    """

    def __init__(
        self,
        api: Api,
        plan: Plan,
        reports: Reports,
        screen: Screen,
        *,
        keeps: bool = False,
        patience: Patience | None = None,
    ) -> None:
        self._api = api
        self._plan = plan
        self._reports = reports
        self._screen = screen
        self._keeps = keeps
        self._patience = patience or Patience()
        self._crowd = Crowd(plan.workers)
        self._news = Event()
        self._greenlets: list[gevent.Greenlet] = []
        self._life: gevent.Greenlet | None = None
        self._error: CommandError | None = None
        self._report_error: CommandError | None = None
        self._is_tried = False
        self._events: dict[str, Trouble] = {}
        self._interrupts = 0
        self._may_be_there = False
        self._had_master = False
        self._is_test_over = False
        self._lost_s: float | None = None
        self._is_loss_told = False

    def run(self) -> int:
        """Run until the end; returns the exit code.

        Raises:
            CommandError: it could not be run, or was lost; the message says why and what to do.
        """
        try:
            # Not to be interrupted: what the answer was is known, and so is what there is to delete.
            owner = self._create_owner()
            if self._interrupts:
                raise _Interrupted
            self._life = gevent.spawn(self._outcome, owner)
            outcome: int | Exception = self._life.get()
            if isinstance(outcome, Exception):
                raise outcome
            code = outcome
        except _Interrupted:
            self._screen.say("Interrupted before the end")
            code = ExitCode.INTERRUPTED
        finally:
            gevent.killall(self._greenlets)
            self._screen.close()
            self._clean()
        if self._report_error is not None:
            if code == ExitCode.OK:
                raise self._report_error
            self._screen.say(str(self._report_error))
        return code

    def interrupt(self, name: str) -> None:
        """End the test and bring what there is of it; without a test, or when asked again, end at once."""
        self._interrupts += 1
        if self._life is None:
            return
        if self._interrupts > 1 or not self._is_master_running():
            self._life.kill(_Interrupted, block=False)
            return
        self._screen.say(f"Got {name}, ending the test; once more to end it at once")
        if not self._is_test_over:
            self._spawn(self._end_test)

    # -- its life --------------------------------------------------------------------------------------------------

    def _create_owner(self) -> dict[str, Any]:
        self._may_be_there = True
        try:
            return self._api.create(master_job(self._plan))
        except ApiError as error:
            self._may_be_there = error.may_be_done
            raise self._refused(error) from None

    def _outcome(self, owner: dict[str, Any]) -> int | Exception:
        """What a greenlet raises is printed as a mistake of ours, so it is returned."""
        try:
            return self._live(owner)
        except (CommandError, _Interrupted) as error:
            return error

    def _live(self, owner: dict[str, Any]) -> int:
        plan = self._plan
        try:
            for manifest in dependents(plan, owner):
                self._api.create(manifest)
            self._api.resume(plan.master)
        except ApiError as error:
            raise self._refused(error) from None
        where = f"{self._api.namespace} of {self._api.server}"
        workers = "1 worker" if plan.workers == 1 else f"{plan.workers} workers"
        self._screen.say(f"Run {plan.name} in the namespace {where}: {workers} of {plan.image}")
        self._spawn(self._watch_pods)
        self._spawn(self._watch_jobs)
        follower = self._spawn(self._follow_log)
        began_s = time.monotonic()
        in_trouble_s: float | None = None
        is_brought = False
        while True:
            self._news.wait(1)
            self._news.clear()
            now_s = time.monotonic()
            if self._error is not None:
                raise self._error
            if self._is_test_over and not is_brought:
                is_brought = True
                self._bring_reports()
            if (pod := self._crowd.master()) is not None and state_of(pod) == "ended":
                # What it has said last may still be on its way.
                gevent.joinall([follower], timeout=self._patience.told_s)
                if self._is_test_over and not is_brought:
                    self._report_error = self._not_brought("the master has ended")
                elif self._reports.are_wanted and not is_brought:
                    self._screen.say("There are no reports, as no test came to its end")
                return self._code(pod)
            if self._had_master and pod is None:
                raise CommandError("the master's pod is gone, and the test with it; see above", ExitCode.CLUSTER)
            self._had_master = pod is not None
            if self._reports.are_wanted and not self._is_tried and pod is not None and state_of(pod) == "ready":
                self._is_tried = True
                self._spawn(self._try_commands)
            if plan.longest_s is not None and now_s - began_s > plan.longest_s:
                raise CommandError(f"the run is not over after {plan.longest_s} s (--timeout)", ExitCode.CLUSTER)
            in_trouble_s = self._give_up_if_hopeless(now_s, in_trouble_s)
            if not self._is_test_over:
                self._screen.progress(self._crowd.progress())

    def _give_up_if_hopeless(self, now_s: float, since_s: float | None) -> float | None:
        """Returns since when something keeps pods from starting.

        Raises:
            CommandError: that has lasted too long.
        """
        lasting = [*self._crowd.lasting(), *self._events.values()]
        if not lasting:
            return None
        since_s = now_s if since_s is None else since_s
        if hopeless := next((each for each in lasting if each.is_hopeless), None):
            raise CommandError(hopeless.text, ExitCode.CLUSTER)
        if now_s - since_s >= self._patience.trouble_s:
            raise CommandError(
                f"given up after {self._patience.trouble_s:g} s (--patience): {lasting[0].text}", ExitCode.CLUSTER
            )
        return since_s

    def _code(self, pod: Any) -> int:
        """The exit code of a master that has ended."""
        if not self._crowd.is_over and (why := why_taken(pod)) is not None:
            raise CommandError(f"the master's pod {why}, and the test with it", ExitCode.CLUSTER)
        statuses = pod["status"].get("containerStatuses") or [{}]
        ended = statuses[0].get("state", {}).get("terminated") or {}
        code = ended.get("exitCode")
        if code is None or code > _LARGEST_CODE or ended.get("reason") == "OOMKilled":
            reason = ended.get("reason") or pod["status"].get("reason") or "its node was lost"
            told = reason if code is None else f"{reason}, {code}"
            raise CommandError(f"the master was ended by the system ({told}), and the test with it", ExitCode.CLUSTER)
        return int(code)

    # -- what is heard ---------------------------------------------------------------------------------------------

    def _watch_pods(self) -> None:
        selector = selector_of(self._plan.name)
        while True:
            try:
                listed = self._api.objects("Pod", labelSelector=selector)
                self._answered()
                self._tell(self._crowd.replace(listed["items"]))
                for what, pod in self._api.watch("Pod", listed["metadata"]["resourceVersion"], labelSelector=selector):
                    self._answered()
                    self._tell(self._crowd.change(what, pod))
            except ApiError as error:
                if not self._goes_on_after(error):
                    return

    def _watch_jobs(self) -> None:
        """Look for what keeps pods from being made, which no pod tells."""
        while True:
            try:
                self._look_at_jobs()
            except ApiError as error:
                # Whoever may not read events is told of pods only.
                if error.status == 403 or not self._goes_on_after(error):
                    return
            gevent.sleep(self._patience.look_s)

    def _look_at_jobs(self) -> None:
        found: dict[str, Trouble] = {}
        if not self._is_test_over and not self._crowd.is_whole():
            for name in (self._plan.master, self._plan.workers_job):
                job = self._api.get("Job", name)
                if job is None and self._crowd.master() is None:
                    self._fail("the run was deleted by somebody else")
                elif name == self._plan.workers_job and (why := why_failed(job or {})):
                    self._fail(f"the workers have failed, see above: {why}")
                if job is None or not self._crowd.lacks_pods(name == self._plan.master):
                    continue
                # Events outlive what they tell of, and a run of the same name may have been there before.
                selector = f"involvedObject.uid={job['metadata']['uid']}"
                for event in self._api.objects("Event", fieldSelector=selector)["items"]:
                    if trouble := trouble_of_event(event, self._api.namespace):
                        found[trouble.kind] = trouble
        new = [trouble for kind, trouble in found.items() if kind not in self._events]
        self._events = found
        self._tell(new)

    def _follow_log(self) -> None:
        since: str | None = None
        # Lines of that moment that were heard: a runtime may give many the same.
        heard = 0
        while True:
            pod = self._crowd.master()
            if pod is None or state_of(pod) not in ("running", "ready", "ended"):
                gevent.sleep(self._patience.again_s / 4)
                continue
            try:
                # What comes once more after an interruption has been shown.
                known = heard
                for stamp, text in self._api.log(pod["metadata"]["name"], since=since, follow=True):
                    self._answered()
                    if since is not None and stamp < since:
                        continue
                    if stamp == since and known:
                        known -= 1
                        continue
                    known = 0
                    heard = heard + 1 if stamp == since else 1
                    since = stamp
                    self._hear(text)
            except ApiError as error:
                # 400: the container has not begun to write.
                if error.status != 400 and not self._goes_on_after(error):
                    return
            else:
                pod = self._crowd.master()
                if pod is None or state_of(pod) == "ended":
                    return
            gevent.sleep(self._patience.again_s / 4)

    def _hear(self, line: str) -> None:
        self._screen.log(line)
        if TEST_IS_OVER in line:
            self._is_test_over = True
            self._news.set()

    def _goes_on_after(self, error: ApiError) -> bool:
        """Whether it is worth asking again after this; waits before that, if so."""
        if error.status in (401, 403):
            self._error = self._refused(error)
            self._news.set()
            return False
        if error.status not in (404, 410):
            now_s = time.monotonic()
            self._lost_s = now_s if self._lost_s is None else self._lost_s
            if now_s - self._lost_s > self._patience.silence_s:
                self._error = self._refused(error)
                self._news.set()
                return False
            if now_s - self._lost_s >= self._patience.told_s and not self._is_loss_told:
                self._is_loss_told = True
                self._screen.say(f"{self._api.server} does not answer ({error}); the run goes on, and so does asking")
        gevent.sleep(self._patience.again_s)
        return True

    def _answered(self) -> None:
        self._lost_s = None
        if self._is_loss_told:
            self._is_loss_told = False
            self._screen.say(f"{self._api.server} answers again")

    def _tell(self, troubles: Iterable[Trouble]) -> None:
        for trouble in troubles:
            self._screen.say(trouble.text)
            if trouble.pod is not None:
                # It has ended, and will be gone when a person comes to look.
                with contextlib.suppress(ApiError):
                    for _, line in self._api.log(trouble.pod, last=_LINES_TOLD):
                        self._screen.say(f"  {line}")
        self._news.set()

    # -- its end ---------------------------------------------------------------------------------------------------

    def _try_commands(self) -> None:
        """Tell early what would be known only when the test is over."""
        if (pod := self._crowd.master()) is None:
            return
        try:
            self._api.execute(pod["metadata"]["name"], _TRY, self._patience.command_s)
        except ApiError as error:
            if error.status in (401, 403):
                self._screen.say(
                    f"The reports will not be brought: {self._refused(error)}. The test goes on, and its tables and "
                    "its exit code come without that"
                )

    def _end_test(self) -> None:
        pod = self._crowd.master()
        try:
            if pod is not None and end_test(self._api, pod["metadata"]["name"], self._patience.command_s):
                return
        except ApiError as error:
            if error.status in (401, 403) and self._end_by_cluster():
                return
            self._screen.say(f"The test cannot be ended in order: {self._refused(error)}")
        if self._life is not None and not self._is_test_over:
            self._life.kill(_Interrupted, block=False)

    def _bring_reports(self) -> None:
        pod = self._crowd.master()
        if pod is None or why_taken(pod) is not None:
            return
        name = pod["metadata"]["name"]
        try:
            if self._reports.are_wanted:
                written = self._reports.write(self._api.execute(name, PACK, self._patience.command_s))
                self._screen.say(f"Reports: {', '.join(map(str, written))}")
        except ApiError as error:
            self._report_error = self._not_brought(str(self._refused(error)))
        except CommandError as error:
            self._report_error = error
        self._crowd.is_over = True
        try:
            # Nothing is left to wait for.
            self._api.execute(name, _END_MASTER, self._patience.command_s)
        except ApiError as error:
            # It may also have ended before it could say that it has heard.
            if error.status in (401, 403) and not self._end_by_cluster():
                self._screen.say(f"Waiting until the master ends by itself, {self._plan.stay_s} s after the test")

    def _end_by_cluster(self) -> bool:
        """Have the cluster end the master in order, where no command can; returns whether it does."""
        self._crowd.is_over = True
        try:
            self._api.suspend(self._plan.master)
        except ApiError:
            return False
        return True

    def _not_brought(self, why: str) -> CommandError:
        return CommandError(f"the reports could not be brought: {why}. The tables are above", ExitCode.OUTPUT)

    def _clean(self) -> None:
        if not self._may_be_there:
            return
        name, namespace = self._plan.name, self._api.namespace
        if self._keeps:
            self._screen.say(f"Everything is kept (--keep): gregaria kubernetes stop {name} --namespace {namespace}")
            return
        deadline_s = time.monotonic() + self._patience.cleaning_s
        while True:
            try:
                self._api.delete("Job", self._plan.master)
                return
            except ApiError as error:
                if error.status in (401, 403) or time.monotonic() > deadline_s:
                    self._screen.say(
                        f"The run's objects may still be there ({self._refused(error)}): "
                        f"gregaria kubernetes stop {name} --namespace {namespace}"
                    )
                    return
                gevent.sleep(self._patience.again_s)

    def _is_master_running(self) -> bool:
        pod = self._crowd.master()
        return pod is not None and state_of(pod) in ("running", "ready")

    def _fail(self, reason: str) -> None:
        self._error = CommandError(reason, ExitCode.CLUSTER)
        self._news.set()

    def _refused(self, error: ApiError) -> CommandError:
        return CommandError(refusal(error, self._api.namespace, self._api.server, self._plan.name), ExitCode.CLUSTER)

    def _spawn(self, function: Callable[[], None]) -> gevent.Greenlet:
        greenlet = gevent.spawn(function)
        self._greenlets.append(greenlet)
        return greenlet


def end_test(api: Api, pod: str, timeout_s: float) -> bool:
    """Have a master end its test as the page's button does; returns whether there was one.

    Raises:
        ApiError: the master cannot be asked.
    """
    state = api.execute(pod, ["python3", "-c", _END_TEST], timeout_s).decode().strip()
    return state in _IN_A_TEST


def selector_of(name: str) -> str:
    """What finds the pods of a run."""
    return f"app.kubernetes.io/name=gregaria,app.kubernetes.io/instance={name}"
