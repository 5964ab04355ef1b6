"""The fault proxy itself, before a server that echoes and before a real PostgreSQL."""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator

import psycopg
import pytest
from psycopg import sql

from tests.support.postgres import DatabaseServer, Role, unique_name
from tests.support.tcp_proxy import Sender, TcpProxy
from tests.support.waiting import eventually

NewProxy = Callable[[str, int], TcpProxy]


@pytest.fixture
def echo_port() -> Iterator[int]:
    """A server that sends back whatever it gets."""
    listener = socket.create_server(("127.0.0.1", 0))

    def echo(connection: socket.socket) -> None:
        with connection, contextlib.suppress(ConnectionResetError):
            while chunk := connection.recv(65536):
                connection.sendall(chunk)

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=echo, args=(connection,), daemon=True).start()

    acceptor = threading.Thread(target=serve, daemon=True)
    acceptor.start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RD)
    acceptor.join()
    listener.close()


@pytest.fixture
def proxy(tcp_proxy: NewProxy, echo_port: int) -> TcpProxy:
    return tcp_proxy("127.0.0.1", echo_port)


def connected(proxy: TcpProxy) -> socket.socket:
    return socket.create_connection((proxy.host, proxy.port), timeout=10)


def read_to_end(connection: socket.socket) -> bytes:
    """What still comes, until the other side closes or resets."""
    received = b""
    try:
        while chunk := connection.recv(65536):
            received += chunk
    except ConnectionResetError:
        pass
    return received


def read_exactly(connection: socket.socket, count: int) -> bytes:
    received = b""
    while len(received) < count:
        received += connection.recv(count - len(received))
    return received


def test_it_forwards_in_both_directions(proxy: TcpProxy) -> None:
    """Without a fault every byte goes there and back, and an end of stream too."""
    message = bytes(range(256)) * 4096
    with connected(proxy) as client:
        sender = threading.Thread(target=client.sendall, args=(message,))
        sender.start()
        assert read_exactly(client, len(message)) == message
        sender.join()
        client.shutdown(socket.SHUT_WR)
        assert read_to_end(client) == b""


def test_a_refusing_proxy_keeps_its_port_and_listens_again(proxy: TcpProxy) -> None:
    """While it refuses, connecting fails at once; afterwards the same address works again."""
    proxy.refuse()
    with pytest.raises(ConnectionRefusedError):
        connected(proxy)
    proxy.forward()
    with connected(proxy) as client:
        client.sendall(b"back")
        assert read_exactly(client, 4) == b"back"


def test_open_connections_survive_a_refusal(proxy: TcpProxy) -> None:
    """Refusing concerns new connections only."""
    with connected(proxy) as client:
        client.sendall(b"1")
        assert read_exactly(client, 1) == b"1"
        proxy.refuse()
        client.sendall(b"2")
        assert read_exactly(client, 1) == b"2"


def test_a_blackhole_accepts_and_stays_silent_until_it_forwards(proxy: TcpProxy) -> None:
    """Bytes are held, not refused, and arrive once the proxy forwards again."""
    proxy.blackhole()
    with connected(proxy) as client:
        client.sendall(b"held")
        client.settimeout(0.2)
        with pytest.raises(TimeoutError):
            client.recv(1)
        client.settimeout(10)
        proxy.forward()
        assert read_exactly(client, 4) == b"held"


def test_cut_ends_open_connections(proxy: TcpProxy) -> None:
    """A cut resets what is open and leaves the proxy listening."""
    with connected(proxy) as client:
        client.sendall(b"1")
        assert read_exactly(client, 1) == b"1"
        proxy.cut()
        assert read_to_end(client) == b""
    with connected(proxy) as client:
        client.sendall(b"2")
        assert read_exactly(client, 1) == b"2"


def test_cut_ends_what_a_blackhole_holds(proxy: TcpProxy) -> None:
    """Bytes that are held when it comes go nowhere, and nothing waits for them."""
    with connected(proxy) as client:
        client.sendall(b"1")
        assert read_exactly(client, 1) == b"1"
        proxy.blackhole()
        client.sendall(b"held")
        proxy.cut()
        assert read_to_end(client) == b""
    proxy.forward()


@pytest.mark.parametrize("resets", ["client", "server"])
def test_a_reset_of_one_side_reaches_the_other(tcp_proxy: NewProxy, resets: str) -> None:
    """Neither side is left with a connection whose other end is gone, though it may say nothing itself."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = connected(tcp_proxy("127.0.0.1", listener.getsockname()[1]))
        server, _ = listener.accept()
    gone, left = (client, server) if resets == "client" else (server, client)
    with left:
        left.settimeout(10)
        gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        gone.close()
        with pytest.raises(ConnectionResetError):
            left.recv(1)


def test_cut_after_lets_exactly_that_many_bytes_pass(proxy: TcpProxy) -> None:
    """The client gets the bytes up to the limit, then the connection ends, once."""
    proxy.cut_after(5, sender=Sender.SERVER)
    with connected(proxy) as client:
        client.sendall(b"0123456789")
        assert read_to_end(client) == b"01234"
    assert proxy.tripped.wait(10)
    with connected(proxy) as client:
        client.sendall(b"0123456789")
        assert read_exactly(client, 10) == b"0123456789"


def test_cut_at_finds_a_pattern_that_is_spread_over_packets(proxy: TcpProxy) -> None:
    """The parts of a pattern come in packets of their own, and the cut comes with the last one."""
    proxy.cut_at(b"stop", sender=Sender.CLIENT)
    with connected(proxy) as client:
        for part in (b"s", b"st"):
            client.sendall(part)
            assert read_exactly(client, len(part)) == part
        client.sendall(b"op")
        assert read_to_end(client) == b""
    assert proxy.tripped.wait(10)


def test_a_standing_cut_strikes_again(proxy: TcpProxy) -> None:
    """With `once=False` every connection that carries the pattern is cut."""
    proxy.cut_at(b"!", sender=Sender.CLIENT, once=False)
    for _ in range(3):
        with connected(proxy) as client:
            client.sendall(b"hello!")
            assert read_to_end(client) == b""


def create_role_through(proxy: TcpProxy, superuser: Role, name: str) -> None:
    with psycopg.connect(
        host=proxy.host,
        port=proxy.port,
        user=superuser.name,
        password=superuser.password,
        dbname="postgres",
        sslmode="disable",
        autocommit=True,
    ) as connection:
        connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(name)))


def role_exists(server: DatabaseServer, name: str) -> bool:
    return server.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,)) == [(1,)]


@pytest.mark.parametrize(
    ("pattern", "sender", "applied"),
    [
        pytest.param(b"CREATE ROLE", Sender.CLIENT, False, id="before-the-server-sees-it"),
        pytest.param(b"CREATE ROLE", Sender.SERVER, True, id="before-the-client-hears-of-it"),
    ],
)
def test_a_statement_is_cut_on_either_side_of_its_effect(
    pg16: DatabaseServer, tcp_proxy: NewProxy, pattern: bytes, sender: Sender, applied: bool
) -> None:
    """The client sees the same lost connection whether or not the server did what it asked."""
    proxy = tcp_proxy(pg16.host, pg16.port)
    proxy.cut_at(pattern, sender=sender)
    name = unique_name("cut")
    with pytest.raises(psycopg.OperationalError):
        create_role_through(proxy, pg16.superuser, name)
    assert proxy.tripped.wait(10)
    assert role_exists(pg16, name) is applied


def test_a_delivered_statement_takes_effect_though_its_client_is_gone(
    pg16: DatabaseServer, tcp_proxy: NewProxy
) -> None:
    """With `deliver` the server gets the whole statement and carries it out."""
    proxy = tcp_proxy(pg16.host, pg16.port)
    proxy.cut_at(b"CREATE ROLE", sender=Sender.CLIENT, deliver=True)
    name = unique_name("cut")
    with pytest.raises(psycopg.OperationalError):
        create_role_through(proxy, pg16.superuser, name)
    assert eventually(lambda: role_exists(pg16, name))


def test_an_unreachable_server_ends_the_clients_connection(tcp_proxy: NewProxy) -> None:
    """Where nothing listens behind the proxy, the client is let go instead of left waiting."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with connected(tcp_proxy("127.0.0.1", port)) as client:
        assert read_to_end(client) == b""
