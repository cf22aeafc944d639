"""asyncio: TCP and unix servers with many clients, datagrams, signal handlers, executor threads, timers."""

import asyncio
import os
import signal
import socket


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while line := await reader.readline():
        writer.write(line.upper())
        await writer.drain()
    writer.close()


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, text: str) -> str:
    writer.write(text.encode() + b"\n")
    answer = await reader.readline()
    writer.close()
    await writer.wait_closed()
    return answer.decode().strip()


class Datagrams(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.received: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, address: object) -> None:
        self.received.set_result(data)


async def main() -> None:
    loop = asyncio.get_running_loop()
    tcp = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = tcp.sockets[0].getsockname()[1]
    clients = [await asyncio.open_connection("127.0.0.1", port) for _ in range(10)]
    print(await asyncio.gather(*(ask(*client, f"tcp {i}") for i, client in enumerate(clients))))

    unix = await asyncio.start_unix_server(serve, "socket")
    print(await asyncio.gather(*[ask(*await asyncio.open_unix_connection("socket"), f"unix {i}") for i in range(10)]))
    unix.close()
    os.unlink("socket")

    receiver, protocol = await loop.create_datagram_endpoint(Datagrams, local_addr=("127.0.0.1", 0))
    with socket.socket(type=socket.SOCK_DGRAM) as sender:
        sender.sendto(b"datagram", receiver.get_extra_info("sockname"))
        print(await asyncio.wait_for(protocol.received, 10))
    receiver.close()

    caught: asyncio.Queue[str] = asyncio.Queue()
    for number in (signal.SIGUSR1, signal.SIGTERM):
        loop.add_signal_handler(number, caught.put_nowait, number.name)
    os.kill(os.getpid(), signal.SIGUSR1)
    print(await caught.get())
    os.kill(os.getpid(), signal.SIGTERM)
    print(await caught.get())

    print(await asyncio.gather(*(loop.run_in_executor(None, pow, 2, i) for i in range(8))))
    try:
        await asyncio.open_connection("127.0.0.1", 1)
    except OSError as error:
        print(type(error).__name__)
    tcp.close()
    await tcp.wait_closed()


asyncio.run(main())
