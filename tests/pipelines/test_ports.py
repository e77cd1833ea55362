"""A port that is handed out can be listened on, and is not one that clients are given."""

from __future__ import annotations

import socket

from pipelines.ports import free_port


def test_a_free_port_can_be_listened_on_and_is_below_those_given_to_clients() -> None:
    port = free_port()
    assert 1024 < port < 32768
    with socket.create_server(("127.0.0.1", port)):
        pass


def test_a_port_in_use_is_not_handed_out() -> None:
    with socket.create_server(("127.0.0.1", free_port())) as taken:
        assert taken.getsockname()[1] not in {free_port() for _ in range(20)}
