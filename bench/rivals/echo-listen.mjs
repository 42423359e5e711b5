// The rivals in script: an echo server by the runtime's own sockets. Prints its port.
//
//     bun echo-listen.mjs bun       Bun.listen
//     deno run -A echo-listen.mjs deno   Deno.listen
//     node echo-listen.mjs          node:net, in any of the three

const [, , kind = "node"] = globalThis.process?.argv ?? [];

if (kind === "bun") {
  // What the system does not take at once is kept here, and the rest of the input is left with the
  // system meanwhile, as the other servers do.
  const server = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(socket) {
        socket.setNoDelay(true);
        socket.data = null;
      },
      data(socket, bytes) {
        if (socket.data !== null) {
          socket.data = Buffer.concat([socket.data, bytes]);
          return;
        }
        const sent = socket.write(bytes);
        if (sent < bytes.length) {
          socket.data = Buffer.from(bytes.subarray(sent));
          socket.pause();
        }
      },
      drain(socket) {
        if (socket.data === null) return;
        const sent = socket.write(socket.data);
        if (sent < socket.data.length) {
          socket.data = socket.data.subarray(sent);
          return;
        }
        socket.data = null;
        socket.resume();
      },
    },
  });
  console.log(server.port);
} else if (kind === "deno") {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  console.log(listener.addr.port);
  for await (const connection of listener) echo(connection).catch(() => connection.close());
} else {
  const { createServer } = await import("node:net");
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on("error", () => socket.destroy());
    socket.pipe(socket);
  });
  server.listen(0, "127.0.0.1", 4096, () => console.log(server.address().port));
}

async function echo(connection) {
  connection.setNoDelay(true);
  const buffer = new Uint8Array(65_536);
  for (;;) {
    const count = await connection.read(buffer);
    if (count === null) break;
    for (let sent = 0; sent < count;) sent += await connection.write(buffer.subarray(sent, count));
  }
  connection.close();
}
