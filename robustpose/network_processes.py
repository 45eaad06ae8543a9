"""Network processes: one process runs the network for several workers, on full batches of the crops of all of them.

A worker of such a run prepares crops and decodes what the network makes of them; between the two it asks the network
process and waits. Where networks are made for running (`estimators.running.backends`), three questions are asked here:
is this a worker that has somebody to ask (`find_client`), is it the process that answers (`is_server`), or neither? So
everybody makes the estimator in the same way.

What an answer is depends on the crops alone: batches have one shape, and what is beside a crop does not matter
(`estimators.running.batches`). A worker has one question on its way, so what waits is bounded; two batches at most are
at work, the second of which is brought to the device while the first is computed.
"""

from __future__ import annotations

import traceback
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import Any, Protocol

import numpy as np

from robustpose.blame import find_blame
from robustpose.errors import UserError
from robustpose.shared_arrays import Anything, ArrayPipe

AT_WORK = 2  # batches that are started and not finished
MOST_BYTES = 64 * 2**20  # of crops in one question
LOOK_AGAIN = 0.0005  # seconds, while a device computes: others may ask meanwhile
LOST = (
    "the network process died, perhaps for lack of memory; finished work is kept: start the same command again, "
    "perhaps with fewer --workers, or with --network-processes 0, where workers run the network themselves"
)


class Running(Protocol):
    """A batch that is computed."""

    def is_ready(self) -> bool:
        """Return whether `finish` would return at once."""

    def finish(self) -> Sequence[Anything]:
        """Wait for the outputs and return them, a row for each crop and for what fills up the batch."""


class Network(Protocol):
    """What a network process runs.

    Attributes:
        n_per_call: crops in every batch; None for a network that looks at each question's images by themselves.
    """

    n_per_call: int | None

    def start(self, parts: Sequence[Anything]) -> Running:
        """Begin to compute a batch, which is made of parts (b, 3, h, w); these may change once this has returned."""


class RemoteError(Exception):
    """Tell where in the network process an error came up, as text."""


class Client:
    """A worker's side: functions that stand for the networks of its network process."""

    def __init__(self, end: Connection) -> None:
        self._pipe = ArrayPipe(end)
        self._n_networks = 0

    def add_network(self) -> Callable[[Anything], list[Anything]]:
        """Return what stands for the next network, in the order in which they are made in the network process, too.

        It is a function of images (B, 3, h, w) to the network's outputs. UserError if the other process has died.
        """
        number = self._n_networks
        self._n_networks += 1
        return lambda images: self._ask(number, images)

    def _ask(self, number: int, images: Anything) -> list[Anything]:
        try:
            (place,) = self._pipe.place([(images.shape, images.dtype)])
            place[:] = images
            self._pipe.send(number)
            failure, outputs = self._pipe.receive()
        except (EOFError, OSError) as error:
            raise UserError(LOST) from error
        if failure is not None:
            raise failure[0] from RemoteError(failure[1])
        return [output.copy() for output in outputs]  # the next answer comes to the same memory


def ask_in_parts(ask: Callable[[Anything], list[Anything]], crops: Anything) -> list[Anything]:
    """Return the outputs for crops (B, 3, h, w), asked for by so many at once as keep memory bounded."""
    n_at_once = max(MOST_BYTES // max(crops[:1].nbytes, 1), 1)
    parts = [ask(crops[start : start + n_at_once]) for start in range(0, len(crops), n_at_once)]
    return parts[0] if len(parts) == 1 else [np.concatenate(outputs) for outputs in zip(*parts, strict=True)]


# What a process is, is its process's: where networks are made, nobody is handed it.
_client: Client | None = None
_networks: list[Network] | None = None


def become_client(end: Connection) -> None:
    """Let networks that this process makes from now on be those of the process at the other end."""
    global _client
    _client = Client(end)


def find_client() -> Client | None:
    """Return whom to ask instead of running a network here; None where it is run here."""
    return _client


def is_server() -> bool:
    """Return whether this process runs networks for others."""
    return _networks is not None


def serve(network: Network) -> None:
    """Let others ask for what a network of this process makes of their crops."""
    assert _networks is not None
    _networks.append(network)


def run_networks(prepare: Callable[[], object], ends: Sequence[Connection]) -> None:
    """Answer the workers at the other ends until none of them is left.

    `prepare` makes the networks, each of which calls `serve`; what it raises, every worker raises that asks.
    """
    global _networks
    _networks, failure = [], None
    try:
        prepare()
    except BaseException as error:  # whatever it is, workers have to end with it
        failure = _pack(error)
    _Server(_networks, ends, failure).run()


@dataclass(eq=False)
class _Question:
    """What a worker asks: images (B, 3, h, w), and the outputs so far, by batches."""

    pipe: ArrayPipe
    number: int  # of the network
    images: Anything
    n_begun: int = 0  # images that are in some batch
    n_done: int = 0
    outputs: list[list[Anything]] = field(default_factory=list)
    is_over: bool = False  # answered, or nobody waits for it any more

    @property
    def n_left(self) -> int:
        return len(self.images) - self.n_begun


@dataclass(frozen=True, eq=False)
class _Batch:
    """A batch that is at work: pieces of questions, each with its number of images."""

    pieces: list[tuple[_Question, int]]
    running: Running


class _Server:
    def __init__(self, networks: Sequence[Network], ends: Sequence[Connection], failure: Any) -> None:
        self._networks, self._failure = networks, failure
        self._pipes: dict[Any, ArrayPipe] = {end: ArrayPipe(end) for end in ends}
        self._waiting: deque[_Question] = deque()
        self._at_work: deque[_Batch] = deque()

    def run(self) -> None:
        while self._pipes or self._at_work:
            for end in wait(list(self._pipes), self._patience()):
                self._hear(end)
            # With nothing at work, a batch is filled up with zeros rather than kept waiting for more.
            if self._waiting and len(self._at_work) < AT_WORK and (self._is_full() or not self._at_work):
                self._begin()
            if self._at_work and (self._at_work[0].running.is_ready() or len(self._at_work) == AT_WORK):
                self._hand_out(self._at_work.popleft())

    def _patience(self) -> float | None:
        """Return the seconds to listen for questions: None for as long as it takes."""
        if not self._at_work:
            return 0.0 if self._waiting else None
        is_busy = self._at_work[0].running.is_ready() or (self._is_full() and len(self._at_work) < AT_WORK)
        return 0.0 if is_busy else LOOK_AGAIN

    def _hear(self, end: Any) -> None:
        pipe = self._pipes[end]
        try:
            number, (images,) = pipe.receive()
        except (EOFError, OSError):
            self._forget(pipe)
            return
        question, failure, n = _Question(pipe, number, images), self._failure, len(self._networks)
        if failure is None and number >= n:
            failure = _pack(RuntimeError(f"there are {n} networks in the network process: none has number {number}"))
        if failure is None:
            self._waiting.append(question)
        else:
            self._fail(question, failure)

    def _choose(self) -> list[_Question]:
        """Return the questions that may share the next batch with the first one, which is among them."""
        first = self._waiting[0]
        if self._networks[first.number].n_per_call is None:
            return [first]
        kind = (first.number, first.images.shape[1:])
        return [question for question in self._waiting if (question.number, question.images.shape[1:]) == kind]

    def _is_full(self) -> bool:
        """Return whether a batch can be made that holds nothing but images."""
        if not self._waiting:
            return False
        n_per_call = self._networks[self._waiting[0].number].n_per_call
        return n_per_call is None or sum(question.n_left for question in self._choose()) >= n_per_call

    def _begin(self) -> None:
        network = self._networks[self._waiting[0].number]
        pieces, parts = [], []
        n_free = self._waiting[0].n_left if network.n_per_call is None else network.n_per_call
        for question in self._choose():
            n = min(question.n_left, n_free)
            parts.append(question.images[question.n_begun : question.n_begun + n])
            pieces.append((question, n))
            question.n_begun += n
            n_free -= n
            if not question.n_left:
                self._waiting.remove(question)
            if not n_free:
                break
        try:
            self._at_work.append(_Batch(pieces, network.start(parts)))
        except Exception as error:
            self._fail_all(pieces, error)

    def _hand_out(self, batch: _Batch) -> None:
        try:
            outputs = batch.running.finish()
            start = 0
            for question, n in batch.pieces:
                question.outputs.append([output[start : start + n] for output in outputs])
                question.n_done += n
                start += n
                if question.n_done == len(question.images) and not question.is_over:
                    self._answer(question)
        except Exception as error:
            self._fail_all(batch.pieces, error)

    def _answer(self, question: _Question) -> None:
        by_output = list(zip(*question.outputs, strict=True))
        kinds = [((sum(map(len, parts)), *parts[0].shape[1:]), parts[0].dtype) for parts in by_output]
        for place, parts in zip(question.pipe.place(kinds), by_output, strict=True):
            np.concatenate(parts, out=place)
        self._send(question, None)

    def _fail_all(self, pieces: Sequence[tuple[_Question, int]], error: Exception) -> None:
        for question, _ in pieces:
            if not question.is_over:
                self._fail(question, _pack(error))

    def _fail(self, question: _Question, failure: Any) -> None:
        question.pipe.place([])
        self._send(question, failure)
        with suppress(ValueError):
            self._waiting.remove(question)

    def _send(self, question: _Question, failure: Any) -> None:
        question.is_over = True
        try:
            question.pipe.send(failure)
        except OSError:
            self._forget(question.pipe)

    def _forget(self, pipe: ArrayPipe) -> None:
        """Drop a worker that has ended, and what it waited for."""
        self._pipes.pop(pipe.end, None)
        for batch in self._at_work:
            for question, _ in batch.pieces:
                question.is_over |= question.pipe is pipe
        self._waiting = deque(question for question in self._waiting if question.pipe is not pipe)


def _pack(error: BaseException) -> tuple[Exception, str]:
    """Return an error as it is sent: one line where others are to blame; and where it came up, as text."""
    text = "".join(traceback.format_exception(error))
    found = find_blame(error) or error
    if isinstance(found, UserError):
        return found, text
    return RuntimeError(f"{type(error).__name__}: {error}"), text
