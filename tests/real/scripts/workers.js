// worker_threads: messages, shared memory, a worker that throws, one that is terminated.
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');

function run(data) {
  return new Promise((resolve) => {
    const messages = [];
    const worker = new Worker(__filename, { workerData: data });
    worker.on('message', (message) => messages.push(message));
    worker.on('error', (error) => messages.push(`error ${error.message}`));
    worker.on('exit', (code) => resolve([data.kind, messages, code]));
    if (data.kind === 'endless') worker.on('online', () => worker.terminate());
  });
}

async function main() {
  const shared = new Int32Array(new SharedArrayBuffer(8));
  const kinds = ['square', 'count', 'count', 'count', 'throw', 'exit', 'endless', 'wait'];
  const results = kinds.map((kind) => run({ kind, shared, number: 12 }));
  setTimeout(() => { Atomics.store(shared, 1, 1); Atomics.notify(shared, 1); }, 50);
  for (const result of await Promise.all(results)) console.log(JSON.stringify(result));
  console.log('counted', shared[0]);
}

function work({ kind, shared, number }) {
  if (kind === 'square') parentPort.postMessage(number * number);
  if (kind === 'count') for (let i = 0; i < 1000; i++) Atomics.add(shared, 0, 1);
  if (kind === 'throw') throw new Error('thrown');
  if (kind === 'exit') process.exit(5);
  if (kind === 'endless') for (;;);
  if (kind === 'wait') { Atomics.wait(shared, 1, 0); parentPort.postMessage(shared[1]); }
}

if (isMainThread) main(); else work(workerData);
