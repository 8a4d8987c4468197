"""Log lines on stderr: text for people, or JSON for programs, written by a thread: a full pipe stops no answer."""

from __future__ import annotations

import atexit
import logging
import queue
from datetime import UTC, datetime
from logging.handlers import QueueHandler, QueueListener
from typing import Any

import msgspec

from services.observability.request_ids import current_request_id

TEXT = "%(asctime)s %(levelname)s %(name)s %(message)s"
MOST_WAITING = 10_000  # lines; what comes when so many are unwritten is dropped
FACTS = "facts"  # in a record: more fields of its line


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, then request_id and what else belongs to the record."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        request_id = getattr(record, "request_id", None)
        if request_id is not None:
            line["request_id"] = request_id
        line.update(getattr(record, FACTS, {}))
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line).decode()


class _Dropping(QueueHandler):
    """Hands records to the thread that writes; says nothing of those that find no room."""

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        record.request_id = current_request_id()  # the thread cannot know it
        return record

    def enqueue(self, record: logging.LogRecord) -> None:
        try:
            self.queue.put_nowait(record)  # type: ignore[union-attr]
        except queue.Full:
            return


def configure_logs(log_format: str) -> None:
    """Sends this process's log to stderr: `json` or `text`; text goes without a thread, as it ever did."""
    handler = logging.StreamHandler()
    if log_format != "json":
        handler.setFormatter(logging.Formatter(TEXT))
        logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
        return
    handler.setFormatter(JsonFormatter())
    lines: queue.Queue[logging.LogRecord] = queue.Queue(MOST_WAITING)
    listener = QueueListener(lines, handler)
    listener.start()
    atexit.register(listener.stop)
    logging.basicConfig(level=logging.WARNING, handlers=[_Dropping(lines)], force=True)
