// What a terminal has printed, as the lines that are compared: stage/sandbox/terminal.py and stage/check/capture.py.

// What bash prints instead of a prompt: the exit status between two control characters; and for the rest of a command.
export const PROMPT = /\x01(\d+)\x02/;
export const PROMPT2 = '\x03';

// What the C library of the guest says of a program that a signal has ended; a test compares this list with Python's.
export const SIGNALS = [
  'Aborted', 'Alarm clock', 'Bad system call', 'Broken pipe', 'Bus error', 'CPU time limit exceeded', 'Child exited',
  'Continued', 'File size limit exceeded', 'Floating point exception', 'Hangup', 'I/O possible', 'Illegal instruction',
  'Interrupt', 'Killed', 'Power failure', 'Profiling timer expired', 'Quit', 'Real-time signal 0', 'Real-time signal 30',
  'Segmentation fault', 'Stack fault', 'Stopped', 'Stopped (signal)', 'Stopped (tty input)', 'Stopped (tty output)',
  'Terminated', 'Trace/breakpoint trap', 'Urgent I/O condition', 'User defined signal 1', 'User defined signal 2',
  'Virtual timer expired', 'Window changed',
].sort((one, other) => other.length - one.length);
const SIGNAL = SIGNALS.map(text => text.replace(/[()/]/g, '\\$&')).join('|');
const CORE = '\\(core dumped\\)';
const ENDED = new RegExp(`^(?<said>.*?(?:${SIGNAL}))(?: ${CORE}|  +(?:${CORE} )?(?<command>\\S.*))?$`, 's');
const JOB = new RegExp(`^(?<number>\\[\\d+\\][+ -]? +)(?<state>${SIGNAL}|Running|Stopped(?: \\(.*?\\))?|Done(?:\\(\\d+\\))?|`
  + `Exit \\d+)  +(?:${CORE} )?(?<command>.+)$`, 's');
const WORDS = [...SIGNALS, 'Running', 'Stopped', 'Done', 'Exit ']; // one of these is in each line that is meant
const WIDTH = 24; // columns that bash up to 5.2 gives to the state of a job

// What has been printed, without the marks of the prompts.
export const asText = output => output.replace(new RegExp(PROMPT, 'g'), '').replaceAll(PROMPT2, '');

// Cut output into lines as a terminal shows them: tabs are blanks.
export function asLines(text) {
  if (!text) return [];
  return text.replace(/\n$/, '').split('\n').map(line => expandTabs(line.replace(/\r$/, '')));
}

function expandTabs(line) {
  let column = 0, expanded = '';
  for (const letter of line) {
    const shown = letter === '\t' ? ' '.repeat(8 - column % 8) : letter;
    column = letter === '\r' ? 0 : column + shown.length;
    expanded += shown;
  }
  return expanded;
}

// The lines of a text; what the shell has said, in the one form that all its versions have in common. Behind the
// text of a signal, neither "(core dumped)" nor the command, one of those typed, is output.
export function settled(text, typed) {
  const lines = asLines(text), found = [];
  if (!WORDS.some(word => text.includes(word))) return lines;
  while (lines.length) {
    let line = lines.shift();
    const job = line.match(JOB)?.groups, ended = line.match(ENDED)?.groups;
    let command = ended?.command ?? '';
    if (job) line = `${job.number}${job.state.padEnd(WIDTH)}${job.command}`;
    else if (ended && isWithin(command, typed)) {
      line = ended.said;
      if (command.includes('<<')) { // with its here-document, and an empty line
        while (lines.length && lines[0] && isWithin(`${command}\n${lines[0]}`, typed)) command += `\n${lines.shift()}`;
        if (lines[0] === '') lines.shift();
      }
    }
    found.push(line);
  }
  return found;
}

// Whether one is a part of the other, whatever the blanks in them.
function isWithin(part, command) {
  const [inner, outer] = [part, command].map(text => text.replace(/\\\n|\s/g, ''));
  return outer.includes(inner);
}
