// The tables of cases that the players of the pages share.
import { readFileSync } from 'node:fs';

const read = name => JSON.parse(readFileSync(new URL(`../cases/${name}.json`, import.meta.url), 'utf-8'));
export const matching = read('matching');
export const view = read('view');
