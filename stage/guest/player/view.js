// What the kernel sees, from texts of /proc alone: view_from() of stage/sandbox/view.py and sleep_from() of
// stage/sandbox/processes.py; tests/cases/view.json holds both to the same answers. The page's constants come
// from there, too: see docs/_ext/guest.py.

const BY_DESCRIPTOR = new Set(['read', 'readv', 'pread64', 'write', 'writev', 'pwrite64', 'splice', 'fcntl', 'fcntl64',
  'flock', 'mq_timedsend', 'mq_timedreceive', 'accept', 'accept4', 'connect', 'recvfrom', 'recvmsg', 'sendto',
  'sendmsg']);
const MAPPING = /^([0-9a-f]+)-([0-9a-f]+) \S+ \S+ \S+ \d+ +(\/.*)$/gm;
const STATES = { T: 'stopped', t: 'stopped', Z: 'ended', X: 'ended' };
const order = (one, other) => (one < other ? -1 : one > other ? 1 : 0);

// What is known of the system: {calls: {number: name}, timeouts: {call: [argument, forever]}, timedSleeps: [call]}.

// The sleep that two texts of /proc/PID show, or null; see proc_pid_syscall(5) and proc_pid_status(5).
export function sleepFrom(pid, syscall, status, { calls, timeouts, timedSleeps }) {
  const fields = syscall.split(/\s+/).filter(Boolean);
  const found = status.match(/^State:\s+S.*^voluntary_ctxt_switches:\s+(\d+)/ms);
  if (!found || !fields.length || !/^\d+$/.test(fields[0])) return null;
  const call = calls[fields[0]] ?? `system call ${fields[0]}`;
  const values = fields.slice(1, 7).map(BigInt);
  let timed = timedSleeps.includes(call);
  if (timeouts[call]) {
    const [argument, forever] = timeouts[call];
    timed = (values[argument] & BigInt(forever || -1)) !== BigInt(forever); // -1 may have 32 bits (glibc) or 64 (musl)
  }
  return { pid, call, arguments: values, switches: found[1], timed };
}

export const sameSleep = (one, other) => Boolean(one && other) && one.pid === other.pid && one.call === other.call
  && one.switches === other.switches && one.timed === other.timed && `${one.arguments}` === `${other.arguments}`;

// State, process group, session and foreground group of a process, from proc_pid_stat(5).
export function statFrom(text) {
  const [state, , group, session, , front, ...rest] = text.slice(text.lastIndexOf(')') + 1).trim().split(/\s+/);
  return { state, group: +group, session: +session, front: +front, ticks: +rest[5] + +rest[6] };
}

const NOTHING = { cmdline: '', syscall: '', status: '', maps: '', fd: {} }; // of one that has just ended

// Make the model {objects, processes} of texts {folder, shm, queues, terminals, proc}: the latter maps the PID of a
// shell to the name of its terminal. What does not apply is left out.
export function viewFrom(texts, known) {
  const objects = new Map();
  const object = ([kind, name, unlinked], more = {}) => {
    const key = JSON.stringify([kind, name, unlinked]);
    if (!objects.has(key)) objects.set(key, { kind, name, unlinked, ...more, users: [], sleepers: [] });
    return objects.get(key);
  };
  for (const [name, { size, start }] of Object.entries(texts.shm)) {
    const key = keyOf(`${texts.folder}/${name}`, texts);
    object(key, key[0] === 'shm' ? { size } : { value: valueOf(size, start) });
  }
  for (const [name, attributes] of Object.entries(texts.queues)) object(['mq', `/${name}`, false], attributes);
  const processes = Object.keys(texts.proc).map(Number).sort((one, other) => one - other).map(pid => {
    const files = { ...NOTHING, ...texts.proc[pid] };
    const keys = pathsOf(files).map(path => keyOf(path, texts)).filter(Boolean).map(key => JSON.stringify(key));
    for (const key of new Set(keys)) object(JSON.parse(key)).users.push(pid);
    const process = processFrom(pid, files, texts, known);
    const key = process.on && keyOf(process.on, texts);
    if (key) {
      process.on = key[1];
      object(key).sleepers.push(pid);
    }
    return process;
  });
  return {
    // Of one name, what is there has come first, and stays so.
    objects: [...objects.values()].sort((one, other) => order(one.kind, other.kind) || order(one.name, other.name)),
    processes,
  };
}

function processFrom(pid, files, texts, known) {
  const { state, session } = statFrom(files.stat);
  const sleep = sleepFrom(pid, files.syscall, files.status, known);
  const process = {
    pid,
    terminal: texts.terminals[session] ?? '',
    program: files.cmdline.split('\0')[0].split('/').pop() || files.stat.match(/\((.*)\)/)[1],
    state: STATES[state] ?? (sleep && !sleep.timed ? 'blocked' : 'running'),
  };
  if (!sleep) return process;
  const on = placeOf(sleep, files);
  return on ? { ...process, call: sleep.call, on } : { ...process, call: sleep.call };
}

// The path of what somebody sleeps on, as maps and descriptors show it.
function placeOf({ call, arguments: values }, files) {
  if (call === 'futex') {
    return mappingsOf(files).find(({ begin, end }) => begin <= values[0] && values[0] < end)?.path;
  }
  return BY_DESCRIPTOR.has(call) ? files.fd[values[0]] : files.path;
}

const mappingsOf = files => [...files.maps.matchAll(MAPPING)].map(([, begin, end, path]) =>
  ({ begin: BigInt(`0x${begin}`), end: BigInt(`0x${end}`), path }));
const pathsOf = files => [...mappingsOf(files).map(({ path }) => path), ...Object.values(files.fd)];

// The object that a path leads to, [kind, name, unlinked], if it is one.
function keyOf(path, texts) {
  const bare = path.replace(/ \(deleted\)$/, '');
  const name = bare.slice(bare.lastIndexOf('/') + 1), gone = bare !== path;
  if (bare.slice(0, -name.length - 1) === texts.folder) {
    return [name.startsWith('sem.') ? 'sem' : 'shm', `/${name.replace(/^sem\./, '')}`, gone];
  }
  const queue = bare === `/${name}` && (gone || Object.hasOwn(texts.queues, name)) && !name.startsWith('memfd:');
  return queue ? ['mq', bare, gone] : null;
}

// The value of a semaphore, from its first bytes; glibc has another layout on 32 bits.
function valueOf(size, start) {
  const bytes = Uint8Array.from(start.match(/../g) ?? [], pair => parseInt(pair, 16));
  const word = bytes.slice(0, 4).reduceRight((sum, byte) => sum * 256 + byte, 0);
  return size === 16 ? Math.floor(word / 2) : word;
}
