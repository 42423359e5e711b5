// The rivals in script: what sends datagrams back by the runtime's own sockets. Prints its port.
//
//     bun datagram-listen.mjs bun       Bun.udpSocket
//     deno run -A --unstable-net datagram-listen.mjs deno   Deno.listenDatagram
//     node datagram-listen.mjs          node:dgram, in any of the three

const [, , kind = "node"] = globalThis.process?.argv ?? [];

if (kind === "bun") {
  const server = await Bun.udpSocket({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      data(socket, bytes, port, address) {
        try {
          socket.send(bytes, port, address);
        } catch {
          // An earlier one has come to nobody: a client has gone.
        }
      },
      error() {},
    },
  });
  console.log(server.port);
} else if (kind === "deno") {
  const server = Deno.listenDatagram({ hostname: "127.0.0.1", port: 0, transport: "udp" });
  console.log(server.addr.port);
  for await (const [bytes, sender] of server) await server.send(bytes, sender);
} else {
  const { createSocket } = await import("node:dgram");
  const server = createSocket("udp4");
  server.on("message", (bytes, { port, address }) => server.send(bytes, port, address));
  server.bind(0, "127.0.0.1", () => console.log(server.address().port));
}
