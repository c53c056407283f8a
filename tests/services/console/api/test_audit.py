"""The audit log over the API."""

import asyncio
from pathlib import Path

from shared.audit.log import AuditLog
from shared.audit.record import Who
from tests.services.console.asked import Bench


def test_the_newest_of_all_owners_come_first(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        log = AuditLog(tmp_path / "state", "certificate-manager")
        log.append(Who("cli", label="inverter", address="192.0.2.1"), "certificate.accept", "ab", "done")
        await bench.sign_up()
        log.append(Who("console:owner"), "certificate.delete", "ab", "1 connection")
        found = (await bench.ask("GET", "/audit")).body
        assert found["faults"] == []
        assert found["records"][0]["what"] == "certificate.delete"
        assert found["records"][-1]["label"] == "inverter"
        only = (await bench.ask("GET", "/audit?owner=certificate-manager&what=certificate.a")).body["records"]
        assert [(row["what"], row["by"], row["address"]) for row in only] == [
            ("certificate.accept", "cli", "192.0.2.1")
        ]
        assert len((await bench.ask("GET", "/audit?limit=1")).body["records"]) == 1
        log.close()

    asyncio.run(story())


def test_a_line_that_was_changed_is_told(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        log = AuditLog(tmp_path / "state", "tls-slave")
        for number in range(3):
            log.append(Who("modbus"), "wallbox.write", str(number), "done")
        log.close()
        file = tmp_path / "state" / "audit" / "tls-slave.jsonl"
        file.write_text(file.read_text(encoding="utf-8").replace('"target":"1"', '"target":"7"'), encoding="utf-8")
        await bench.sign_up()
        (fault,) = (await bench.ask("GET", "/audit")).body["faults"]
        assert "tls-slave.jsonl:3" in fault

    asyncio.run(story())


def test_a_log_that_cannot_be_read_is_an_answer_in_words(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        await bench.sign_up()
        (tmp_path / "state" / "audit" / "tls-slave.jsonl").mkdir()
        answer = await bench.ask("GET", "/audit")
        assert answer.status == 409
        assert "tls-slave.jsonl: cannot be read (Is a directory)" in answer.body["error"]["text"]

    asyncio.run(story())


def test_of_a_long_log_the_newest_part_is_shown_and_its_beginning_is_not_missed(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        log = AuditLog(tmp_path / "state", "tls-slave", file_bytes=1000)
        for number in range(30):
            log.append(Who("modbus"), "wallbox.write", str(number), "done")
        log.close()
        await bench.sign_up()
        found = (await bench.ask("GET", "/audit?owner=tls-slave")).body
        assert found["faults"] == []
        targets = [row["target"] for row in found["records"]]
        assert targets[0] == "29"
        assert 1 < len(targets) < 30

    asyncio.run(story())
