// child_process: exec, spawn, fork with messages, synchronous forms, signals, missing commands.
const { exec, execFileSync, fork, spawn, spawnSync } = require('child_process');

const ended = (child) => new Promise((resolve) => child.on('close', (code, signal) => resolve([code, signal])));

async function main() {
  await new Promise((resolve) => exec('echo out; echo err >&2; exit 3', (error, out, err) => {
    console.log('exec', error.code, out, err);
    resolve();
  }));
  const sort = spawn('sort', ['-n']);
  let sorted = '';
  sort.stdout.on('data', (data) => { sorted += data; });
  for (let i = 5000; i > 0; i--) sort.stdin.write(`${i}\n`);
  sort.stdin.end();
  console.log('spawn', await ended(sort), sorted.length, sorted.slice(0, 6));

  const sleeper = spawn('sleep', ['60']);
  sleeper.kill('SIGTERM');
  console.log('kill', await ended(sleeper));

  const child = fork(__filename, ['child']);
  child.on('message', (message) => { console.log('fork', message); if (message.done) child.disconnect(); });
  child.send({ number: 6 });
  console.log('fork ended', await ended(child));

  console.log('sync', execFileSync('seq', ['3']).toString(), spawnSync('sh', ['-c', 'exit 4']).status);
  console.log('timeout', spawnSync('sleep', ['60'], { timeout: 50 }).signal);
  spawn('no-such-command').on('error', (error) => console.log('missing', error.code));
  const many = await Promise.all([...Array(10).keys()].map((i) => ended(spawn('sh', ['-c', `exit ${i}`]))));
  console.log('many', JSON.stringify(many));
}

if (process.argv[2] === 'child') {
  process.on('message', ({ number }) => process.send({ done: true, square: number * number }));
} else {
  main();
}
