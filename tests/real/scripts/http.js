// An HTTP server with twenty parallel clients, a unix socket, and a refused connection.
const http = require('http');
const net = require('net');

const get = (options) => new Promise((resolve, reject) => http.get(options, (response) => {
  let body = '';
  response.on('data', (data) => { body += data; });
  response.on('end', () => resolve(`${response.statusCode} ${body.length} ${body.slice(-8)}`));
}).on('error', reject));

async function main() {
  const server = http.createServer((request, response) => response.end('x'.repeat(100000) + request.url));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  const paths = [...Array(20).keys()].map((i) => `/page${i}`);
  console.log((await Promise.all(paths.map((path) => get({ host: '127.0.0.1', port, path, agent: false })))).join('\n'));
  server.close();

  const unix = net.createServer((socket) => socket.pipe(socket));
  await new Promise((resolve) => unix.listen('socket', resolve));
  const client = net.connect('socket', () => client.end('through a unix socket'));
  client.on('data', (data) => console.log(data.toString()));
  await new Promise((resolve) => client.on('close', resolve));
  unix.close();
  await get({ host: '127.0.0.1', port: 1 }).catch((error) => console.log(error.code));
}

main();
