// Why two runs differ, as stage/check/{tokens,renaming,comparing,capture}.py say it; tests/cases/matching.json
// holds both to the same words. Blanks, digits and letters are Unicode's, as they are there.

const MONTH = '(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)';
const WORD = '[\\p{L}\\p{N}_]';
const EDGE = `(?:(?<!${WORD})(?=${WORD})|(?<=${WORD})(?!${WORD}))`; // \b
const DIGIT = '\\p{Nd}';
const CLOCK = `(?:[01]${DIGIT}|2[0-3]):[0-5]${DIGIT}(?::[0-5]${DIGIT}(?:\\.${DIGIT}+)?)?`;
const NO_MORE = '(?![\\p{L}\\p{N}_:])';
const KINDS = {
  date: `${EDGE}${MONTH} (?: [1-9]|[12]${DIGIT}|3[01]) (?:${CLOCK}| ${DIGIT}{4})${NO_MORE}`
    + `|${EDGE}${DIGIT}{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]${DIGIT}|3[01])(?:[ T]${CLOCK})?Z?${NO_MORE}`,
  range: `${EDGE}[0-9a-f]{8,16}-[0-9a-f]{8,16}${EDGE}`,
  address: `${EDGE}0x[0-9a-f]{8,16}${EDGE}|${EDGE}[0-9a-f]{9,16}${EDGE}`,
  inode: `(?<=[0-9a-f]{8} )[0-9a-f]{2,}:[0-9a-f]{2,} ${DIGIT}+${EDGE}`,
  more: '(?<=(?<!\\S)[-bcdlps](?:[-r][-w][-xsS]){2}[-r][-w][-xtT])[.+](?= )',
  number: `${DIGIT}+`,
  word: '[A-Za-z_][\\p{L}\\p{N}_-]*',
  blanks: ' +',
  other: '.',
};
const TOKEN = new RegExp(Object.entries(KINDS).map(([kind, form]) => `(?<${kind}>${form})`).join('|'), 'gsu');

// Cut a line into [kind, text]; the texts joined are the line. Each of the names is one word, whatever is in it.
export function tokens(line, names = []) {
  if (names.length) {
    const escaped = names.map(name => name.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')).join('|');
    const pieces = line.split(new RegExp(`(?<![\\p{L}\\p{N}_-])(${escaped})(?![\\p{L}\\p{N}_-])`, 'u'));
    return pieces.flatMap((piece, place) => place % 2 ? [['word', piece]] : tokens(piece)); // every second one is a name
  }
  return [...line.matchAll(TOKEN)].map(({ 0: text, groups }) => {
    const kind = Object.keys(KINDS).find(name => groups[name] !== undefined);
    return [kind === 'address' && /^\d+$/.test(text) ? 'number' : kind, text]; // numbers do not float
  });
}

const compared = (line, names) => tokens(line, names).filter(([kind]) => kind !== 'more');
const formOf = date => date.replace('  ', ' 0').replace(new RegExp(MONTH, 'g'), 'M').replace(/\p{Nd}/gu, '0');
const width = text => [...text].length;

// Which value of the page stands for which value of this run; words are declared constants: real and documented.
export class Renaming {
  constructor(words = {}) {
    this.words = words;
    this.names = Object.keys(words).filter(name => tokens(name).length > 1).sort((a, b) => b.length - a.length);
    this.pids = new Set(); // that the player itself has seen in its terminals
    this.real = new Map(); // 'kind text' -> text of this run
    this.documented = new Map();
  }

  // One that may be tried without consequences.
  copy() {
    const made = Object.assign(new Renaming(this.words), { pids: this.pids });
    made.learn(this);
    return made;
  }

  learn(tried) {
    [this.real, this.documented] = [new Map(tried.real), new Map(tried.documented)];
  }

  // Let a value of the page stand for one of this run; return why it cannot, or null.
  bind(kind, text, realText) {
    let known = this.real.get(`${kind} ${text}`) ?? realText;
    this.real.set(`${kind} ${text}`, known);
    if (known !== realText) return `${kind} ${text} was ${known} before and is ${realText} now`;
    known = this.documented.get(`${kind} ${realText}`) ?? text;
    this.documented.set(`${kind} ${realText}`, known);
    if (known !== text) return `two values of the page, ${known} and ${text}, are one ${kind}, ${realText}`;
    return null;
  }

  // Put the values of this run into a documented command.
  toReal(command) {
    const address = text => {
      const bare = text.replace(/^0x/, '');
      return text.slice(0, text.length - bare.length) + (this.real.get(`address ${bare}`) ?? bare);
    };
    return tokens(command).map(([kind, text]) => {
      if (kind === 'range') return text.split('-').map(address).join('-');
      if (kind === 'address') return address(text);
      if (kind === 'inode') return this.real.get(`inode ${text}`) ?? text;
      if (kind === 'number') return this.real.get(`PID ${text}`) ?? address(text);
      return text;
    }).join('');
  }
}

// Why the lines are not the same run, in one line, or null; then the renaming remembers, and else nothing.
export function whyNot(renaming, documented, real) {
  const tried = renaming.copy();
  const why = walk(tried, documented, real);
  if (why === null) renaming.learn(tried);
  return why;
}

// How many real lines the documented ones take up, or null if they do not match yet. Nothing is remembered.
export function reached(renaming, documented, real) {
  const last = documented.includes(null) ? real.length : Math.min(documented.length, real.length);
  for (let stop = documented.length; stop <= last; stop++) {
    if (walk(renaming.copy(), documented, real.slice(0, stop)) === null) return stop;
  }
  return null;
}

// Whether the documented lines have come, or as many others, which no more will make equal.
export function decided(renaming, documented, real) {
  const enough = !documented.includes(null) && real.length >= documented.length;
  return enough || reached(renaming, documented, real) !== null;
}

// As whyNot, but the renaming has learned something even where the lines differ.
function walk(renaming, documented, real) {
  for (const [index, line] of documented.entries()) {
    if (line === null) return ellipsis(renaming, documented.slice(index + 1), real.slice(index));
    if (index >= real.length) return `line missing: "${line}"`;
    const why = compareLine(renaming, line, real[index]);
    if (why) return `"${real[index]}" instead of "${line}": ${why}`;
  }
  return real.length > documented.length ? `line too many: "${real[documented.length]}"` : null;
}

// Compare what follows an ellipsis with what is left, which begins with a hidden line.
function ellipsis(renaming, rest, real) {
  for (let hidden = 1; hidden <= real.length; hidden++) {
    if (whyNot(renaming, rest, real.slice(hidden)) === null) return null;
  }
  if (!real.length) return 'an ellipsis that hides nothing';
  if (rest.length >= real.length) return `too few lines for the ellipsis and "${rest[0]}" after it`;
  return `after the ellipsis, no "${rest[0]}" with what follows it`;
}

function compareLine(renaming, documented, real) {
  const ours = compared(documented, renaming.names), theirs = compared(real, renaming.names);
  let blanksDiffer = false, widthChanged = false;
  for (let index = 0; index < Math.min(ours.length, theirs.length); index++) {
    const [kind, text] = ours[index], [realKind, realText] = theirs[index];
    if (kind === 'blanks' && realKind === 'blanks') {
      blanksDiffer ||= text !== realText;
      continue;
    }
    const why = compareToken(renaming, kind, text, realKind, realText);
    if (why) return why;
    widthChanged ||= width(text) !== width(realText);
  }
  if (ours.length !== theirs.length) {
    const atEnd = [...ours.slice(theirs.length), ...theirs.slice(ours.length)].map(([, text]) => text);
    if (!atEnd.join('').trim()) return 'blanks at the end';
    return theirs.length > ours.length ? 'more on the line' : 'less on the line';
  }
  return blanksDiffer && !widthChanged ? 'number of blanks' : null;
}

// Compare one token with another; null if they are equal or renamed consistently.
function compareToken(renaming, kind, text, realKind, realText) {
  const differ = `"${realText}", documented "${text}"`;
  const both = [kind, realKind].sort().join(' ');
  if (both === 'address number' && Math.min(width(text), width(realText)) >= 9) {
    kind = realKind = 'address'; // an address may happen to have no letter
  }
  if (kind === 'word' && renaming.words[realText] === text) return null; // also a number: of a user without a name
  if (kind !== realKind) return differ;
  if (kind === 'date') return formOf(text) === formOf(realText) ? null : `${differ}: a date of another form`;
  if (kind === 'range') return compareRange(renaming, text, realText);
  if (kind === 'address') {
    if (text.startsWith('0x') !== realText.startsWith('0x')) return `${differ}: 0x on one side only`;
    return renaming.bind('address', text.replace(/^0x/, ''), realText.replace(/^0x/, ''));
  }
  if (kind === 'inode') {
    if ([text, realText].includes('00:00 0') && text !== realText) {
      return `${realText}, documented ${text}: no file on one side only`;
    }
    return renaming.bind('inode', text, realText);
  }
  if (kind === 'number') return compareNumber(renaming, text, realText);
  return text === realText ? null : differ;
}

function compareRange(renaming, text, realText) {
  const [[begin, end], [realBegin, realEnd]] = [text.split('-'), realText.split('-')];
  const size = BigInt(`0x${end}`) - BigInt(`0x${begin}`), realSize = BigInt(`0x${realEnd}`) - BigInt(`0x${realBegin}`);
  if (size !== realSize) return `a range of ${realSize} bytes, documented ${size}`;
  return renaming.bind('address', begin, realBegin) ?? renaming.bind('address', end, realEnd);
}

// A number stays the same, unless it is a PID that has been seen.
function compareNumber(renaming, text, realText) {
  const seen = renaming.pids.has(Number(realText));
  if (text !== realText && !seen) return `number ${realText}, documented ${text}`;
  return seen || renaming.real.has(`PID ${text}`) ? renaming.bind('PID', text, realText) : null;
}

// What a 32-bit machine prints otherwise, in the words of the page; the rules are those of otherwise.json.
// met(other) is called with each rule that holds for the line.
export function asDocumented(line, otherwise, met = () => {}) {
  return otherwise.reduce((text, other) => {
    if (!new RegExp(other.where, 'u').test(text)) return text;
    met(other);
    return text.replace(other.real, () => other.page);
  }, line);
}
