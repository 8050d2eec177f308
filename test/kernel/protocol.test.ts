// The kernel's conformance with Jupyter's protocol: https://jupyter-client.readthedocs.io/en/stable/messaging.html
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Client, type Received, startKernelWithClient } from '../helpers/client';
import { type Kernel, startKernel } from '../helpers/kernel';
import { root } from '../helpers/notebook';
import { python } from '../helpers/python';

const versionOf = (path: string): string =>
  (JSON.parse(readFileSync(join(root, path), 'utf8')) as { version: string }).version;

let kernel: Kernel;
let client: Client;
beforeAll(async () => {
  ({ kernel, client } = await startKernelWithClient());
});
afterEach(async () => {
  expect((await client.run('6 * 7')).messages.map(({ content }) => content.data)).toContainEqual({
    'text/plain': '42',
  });
});

const kinds = (messages: Received[]): unknown[] =>
  messages.map(({ msg_type, content }) => content.execution_state ?? msg_type);
const indexOf = (id: string, state: string): number =>
  client
    .on('iopub')
    .findIndex(({ parent_header, content }) => parent_header.msg_id === id && content.execution_state === state);

describe('a cell', () => {
  test('sends busy, its input, its output, its value and idle', async () => {
    const { messages, reply } = await client.run("console.log('out'); 7");
    expect(kinds(messages)).toEqual(['busy', 'execute_input', 'stream', 'execute_result', 'idle']);
    const count = reply.execution_count;
    expect(reply).toEqual({
      status: 'ok',
      execution_count: expect.any(Number) as unknown,
      payload: [],
      user_expressions: {},
    });
    expect(messages[1].content).toEqual({ code: "console.log('out'); 7", execution_count: count });
    expect(messages[3].content).toEqual({ execution_count: count, data: { 'text/plain': '7' }, metadata: {} });
  });

  test('that fails sends its error once to all clients and once in its reply', async () => {
    const { messages, reply } = await client.run("throw new RangeError('far')");
    expect(kinds(messages)).toEqual(['busy', 'execute_input', 'error', 'idle']);
    const { ename, evalue, traceback } = reply;
    expect(reply).toMatchObject({ status: 'error', ename: 'RangeError', evalue: 'far' });
    expect(messages[2].content).toEqual({ ename, evalue, traceback });
  });

  test.each([
    ['two', 2],
    ['ten', 10],
  ])('of %s sent at once is busy only when its turn comes', async (_what, count) => {
    const ids = await Promise.all(
      Array.from({ length: count }, (_, index) => client.execute(`await null; console.log(${index})`)),
    );
    await Promise.all([client.idle(ids.at(-1)!), client.replyTo(ids.at(-1)!)]);
    const marks = ids.flatMap((id) => [indexOf(id, 'busy'), indexOf(id, 'idle')]);
    expect(marks).toEqual([...marks].sort((a, b) => a - b));
    const counts = ids.map((id) => client.on('shell', id)[0].content.execution_count as number);
    expect(counts).toEqual(counts.map((_, index) => counts[0] + index));
  });

  test.each([
    ['complete_request', { code: 'cons', cursor_pos: 4 }],
    ['inspect_request', { code: 'console', cursor_pos: 4, detail_level: 0 }],
    ['kernel_info_request', {}],
    ['history_request', { hist_access_type: 'tail', n: 1 }],
    ['comm_info_request', {}],
    ['is_complete_request', { code: '1' }],
    ['nonesuch_request', {}],
  ])('that runs is still busy after a %s during its run', async (type, content) => {
    const { id, release } = await client.hold();
    const other = await client.send(type, content);
    await client.idle(other);
    await release();
    const states = client
      .on('iopub')
      .slice(indexOf(id, 'busy'))
      .filter(({ msg_type }) => msg_type === 'status');
    // After the idle message of the other request, the next status says that the cell is still running.
    const after = states.findIndex(
      ({ parent_header, content: { execution_state } }) => parent_header.msg_id === other && execution_state === 'idle',
    );
    expect([states[after + 1].parent_header.msg_id, states[after + 1].content.execution_state]).toEqual([id, 'busy']);
    expect(states.at(-1)).toMatchObject({ parent_header: { msg_id: id }, content: { execution_state: 'idle' } });
  });

  test.each([
    ['empty', ''],
    ['blank', ' \n\t\n'],
    ['a comment', '// nothing'],
    ['a block comment', '/* nothing\n at all */'],
    ['a semicolon', ';'],
  ])('that is %s succeeds without output', async (_what, code) => {
    const { reply, messages } = await client.run(code);
    expect(reply.status).toBe('ok');
    expect(kinds(messages)).toEqual(['busy', 'execute_input', 'idle']);
  });

  test.each([
    ['a megabyte in one comment', `/* ${'x'.repeat(1 << 20)} */ 1 + 1`],
    ['a megabyte in one string', `'${'x'.repeat(1 << 20)}'.length - ${(1 << 20) - 2}`],
    ['a megabyte of short lines', `${'// line\n'.repeat(1 << 17)}1 + 1`],
    ['3,000 statements', `${'Math.abs(1);\n'.repeat(3000)}1 + 1`],
  ])('of %s runs', async (_what, code) => {
    const { messages } = await client.run(code);
    expect(messages.find(({ msg_type }) => msg_type === 'execute_result')?.content.data).toEqual({ 'text/plain': '2' });
  });

  test.each([
    ['brackets', '['],
    ['calls', 'f('],
    ['blocks', '{'],
    ['negations', '!'],
    ['arrows', '() => '],
  ])('of 100,000 nested %s fails, and the kernel lives', async (_what, piece) => {
    const code = piece.repeat(100_000);
    expect((await client.run(code)).reply.status).toBe('error');
    for (const [type, content] of [
      ['complete_request', { code, cursor_pos: code.length }],
      ['inspect_request', { code, cursor_pos: 1 }],
      ['is_complete_request', { code }],
    ] as const) {
      expect((await client.request(type, content)).msg_type).toBe(type.replace('request', 'reply'));
    }
  });
});

describe('after an error', () => {
  const failing = "throw new Error('stop here');";

  test.each([
    ['an error that is thrown', failing],
    ['a compiler error', 'const n: number = "text";'],
  ])('(%s) queued cells are aborted, with busy and idle and without output', async (_what, code) => {
    const ids = await client.queue(() =>
      [code, "console.log('second')", "console.log('third')"].map((each) => client.execute(each)),
    );
    await Promise.all(ids.map((id) => client.idle(id)));
    const replies = await Promise.all(ids.map((id) => client.replyTo(id)));
    expect(replies.map(({ content }) => content.status)).toEqual(['error', 'aborted', 'aborted']);
    expect(ids.slice(1).map((id) => kinds(client.on('iopub', id)))).toEqual([
      ['busy', 'idle'],
      ['busy', 'idle'],
    ]);
  });

  test('a cell that is sent after the reply runs', async () => {
    for (let round = 0; round < 20; round++) {
      const { content } = await client.replyTo(await client.execute("throw new Error('x')"));
      expect(content.status).toBe('error');
      const { reply } = await client.run('1');
      expect(reply.status).toBe('ok');
    }
  });

  test.each([
    ['stop_on_error false', { stop_on_error: false }],
    ['stop_on_error false, silently', { stop_on_error: false, silent: true }],
  ])('with %s queued cells run', async (_what, more) => {
    const [failed, next] = await client.queue(() => [
      client.execute(failing, more),
      client.execute("console.log('ran')"),
    ]);
    expect((await client.replyTo(failed)).content.status).toBe('error');
    expect((await client.replyTo(next)).content.status).toBe('ok');
  });

  test.each([{}, { stop_on_error: true }, { silent: true }])('with %j queued cells do not run', async (more) => {
    const [id, next] = await client.queue(() => [
      client.send('execute_request', { code: failing, ...more }),
      client.execute("console.log('ran')"),
    ]);
    expect((await client.replyTo(id)).content.status).toBe('error');
    expect((await client.replyTo(next)).content.status).toBe('aborted');
  });

  test('other queued requests are answered', async () => {
    const [id, other] = await client.queue(() => [client.execute(failing), client.send('kernel_info_request', {})]);
    expect((await client.replyTo(other)).content.status).toBe('ok');
    await client.replyTo(id);
  });

  test('aborted cells are not counted', async () => {
    const { reply: before } = await client.run('1');
    const [, aborted] = await client.queue(() => [client.execute(failing), client.execute('2')]);
    await client.replyTo(aborted);
    const { reply: after } = await client.run('3');
    expect(after.execution_count).toBe((before.execution_count as number) + 2);
  });
});

describe('silent and store_history', () => {
  const count = async (): Promise<number> => (await client.run('1')).reply.execution_count as number;
  const tail = async (n: number): Promise<unknown[]> =>
    (
      (await client.request('history_request', { hist_access_type: 'tail', n, output: false, raw: true })).content
        .history as unknown[][]
    ).map(([, , input]) => input);

  test('silent runs without any output, count or history', async () => {
    const before = await count();
    const { reply, messages } = await client.run("var quietly = 5; console.log('out'); console.error('err'); quietly", {
      silent: true,
    });
    expect(kinds(messages)).toEqual(['busy', 'idle']);
    expect(reply.status).toBe('ok');
    expect(await tail(1)).toEqual(['1']);
    expect(await count()).toBe(before + 1);
    const value = (await client.run('quietly')).messages.find(({ msg_type }) => msg_type === 'execute_result');
    expect(value?.content.data).toEqual({ 'text/plain': '5' });
  });

  test('silent is not counted even if store_history is true', async () => {
    const before = await count();
    await client.run('2', { silent: true, store_history: true });
    expect(await count()).toBe(before + 1);
  });

  test('store_history false shows output, without count or history', async () => {
    const before = await count();
    const { messages } = await client.run("console.log('out'); 9", { store_history: false });
    expect(kinds(messages)).toEqual(['busy', 'execute_input', 'stream', 'execute_result', 'idle']);
    expect(await tail(1)).toEqual(['1']);
    expect(await count()).toBe(before + 1);
  });

  test.each([{ silent: true }, { store_history: false }])(
    '%j keeps the line numbers of errors in earlier cells right',
    async (more) => {
      const { reply } = await client.run('\n\nfunction failsOnLineThree() { throw new Error("three"); }');
      await client.run('const other = 1;\nconst another = 2;\nconst third = 3;\nconst fourth = 4;', more);
      const { reply: failed } = await client.run('failsOnLineThree()');
      expect((failed.traceback as string[]).join('\n')).toContain(
        `Cell In[${reply.execution_count as number}], line 3,`,
      );
      expect((failed.traceback as string[]).join('\n')).toContain('function failsOnLineThree');
    },
  );

  test.each([{ silent: true }, { store_history: false }])(
    '%j does not redirect late errors from the cell that they come from',
    async (more) => {
      const { id } = await client.run(
        "const { promise: late, reject: fail } = (Promise as any).withResolvers?.() ?? (() => { let reject: any; const promise = new Promise((_, no) => (reject = no)); return { promise, reject }; })(); const lateError = new Error('late');",
      );
      await client.run('1;', more);
      await client.run('setTimeout(() => fail(lateError)); undefined', { silent: true });
      await client.until(() => client.on('iopub', id).some(({ msg_type }) => msg_type === 'error'));
    },
  );
});

describe('user_expressions', () => {
  test('are evaluated after the cell, independently of each other', async () => {
    const user_expressions = {
      sum: 'base + 1',
      text: "'t'",
      wrong: 'nonesuch',
      syntax: '1 +',
      thrown: '(() => { throw new RangeError("r"); })()',
      awaited: 'await Promise.resolve(3)',
    };
    const { reply } = await client.run('const base = 41;', { user_expressions });
    expect(reply.user_expressions).toMatchObject({
      sum: { status: 'ok', data: { 'text/plain': '42' }, metadata: {} },
      text: { status: 'ok', data: { 'text/plain': "'t'" } },
      wrong: { status: 'error', ename: 'ReferenceError', evalue: 'nonesuch is not defined' },
      syntax: { status: 'error', ename: 'SyntaxError' },
      thrown: { status: 'error', ename: 'RangeError', evalue: 'r', traceback: expect.any(Array) as unknown },
      awaited: { status: 'ok', data: { 'text/plain': '3' } },
    });
  });

  test('are not evaluated if the cell fails', async () => {
    const { reply } = await client.run("throw new Error('x')", { user_expressions: { a: '1' } });
    expect(reply.user_expressions).toEqual({});
  });

  test('are evaluated for a silent cell, too', async () => {
    const { reply } = await client.run('', { silent: true, user_expressions: { a: '1 + 1' } });
    expect(reply.user_expressions).toMatchObject({ a: { status: 'ok', data: { 'text/plain': '2' } } });
  });

  test.each([[null], [7], ['text'], [[1]], [{ a: 5 }], [{ a: null }]])(
    'that are %j do no harm',
    async (user_expressions) => {
      const { reply } = await client.run('1', { user_expressions });
      expect(reply.status).toBe('ok');
    },
  );
});

describe('kernel_info', () => {
  test('returns the protocol, the language and the actual versions', async () => {
    const { content, msg_type } = await client.request('kernel_info_request', {});
    expect(msg_type).toBe('kernel_info_reply');
    const typescript = versionOf('node_modules/typescript/package.json');
    expect(content).toMatchObject({
      status: 'ok',
      protocol_version: expect.stringMatching(/^5\.\d$/) as unknown,
      implementation: 'mnist-kernel',
      implementation_version: versionOf('kernel/package.json'),
      language_info: { name: 'typescript', version: typescript, mimetype: 'text/typescript', file_extension: '.ts' },
    });
    expect(content.banner).toContain(`TypeScript ${typescript}`);
    expect(content.banner).toContain(`Node ${process.versions.node}`);
    expect(content.banner).toContain(`tslab ${versionOf('node_modules/tslab/package.json')}`);
    for (const link of content.help_links as object[]) {
      expect(link).toEqual({ text: expect.any(String) as unknown, url: expect.stringMatching(/^https:/) as unknown });
    }
  });

  test('is answered on the control channel, too', async () => {
    expect((await client.request('kernel_info_request', {}, { channel: 'control' })).channel).toBe('control');
  });

  test('returns the same versions that a cell sees', async () => {
    const { messages } = await client.run("import { versions } from 'tslab'; JSON.stringify(versions)");
    const shown = messages.find(({ msg_type }) => msg_type === 'execute_result')!.content.data as Record<
      string,
      string
    >;
    expect(JSON.parse(shown['text/plain'].slice(1, -1))).toEqual({
      tslab: versionOf('node_modules/tslab/package.json'),
      typescript: versionOf('node_modules/typescript/package.json'),
      node: process.version,
    });
  });
});

describe('messages', () => {
  test('have a complete header and a unique id', async () => {
    const { messages } = await client.run('1');
    for (const { header } of messages) {
      expect(Object.keys(header).sort()).toEqual(['date', 'msg_id', 'msg_type', 'session', 'username', 'version']);
      expect(header.date).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+(Z|[+-]\d\d:\d\d)$/);
    }
    expect(new Set(messages.map(({ header }) => header.msg_id)).size).toBe(messages.length);
  });

  test('have the session of the kernel, not of a client', async () => {
    const { messages } = await client.run('1');
    const [session] = [...new Set(messages.map(({ header }) => header.session))];
    expect(session).not.toBe((messages[0].parent_header as { session?: string }).session);
    const { messages: more } = await client.run("console.log('from the other thread')");
    expect(new Set([...more, ...messages].map(({ header }) => header.session))).toEqual(new Set([session]));
  });
});

describe('history', () => {
  const ask = async (content: object): Promise<unknown[][]> => {
    const { content: reply } = await client.request('history_request', { output: false, raw: true, ...content });
    expect(reply.status).toBe('ok');
    return reply.history as unknown[][];
  };
  let first: number;
  beforeAll(async () => {
    const codes = ["'alpha' + 1", "'beta'", "'alpha' + 2", "'beta'", "const gamma = 'x[1]';"];
    const runs = [];
    for (const code of codes) {
      runs.push(await client.run(code));
    }
    first = runs[0].reply.execution_count as number;
  });

  test('by range returns session, count and input of the cells from start until before stop', async () => {
    const found = await ask({ hist_access_type: 'range', session: 0, start: first, stop: first + 2 });
    expect(found.map(([, line, input]) => [line, input])).toEqual([
      [first, "'alpha' + 1"],
      [first + 1, "'beta'"],
    ]);
    expect(typeof found[0][0]).toBe('number');
  });

  test('by range returns nothing for another session', async () => {
    expect(await ask({ hist_access_type: 'range', session: 77, start: 0, stop: 1000 })).toEqual([]);
  });

  test('by range without stop goes to the end', async () => {
    expect((await ask({ hist_access_type: 'range', session: 0, start: first })).length).toBeGreaterThanOrEqual(5);
  });

  test('with output returns pairs of input and output, with null for no output', async () => {
    const found = await ask({ hist_access_type: 'range', session: 0, start: first, stop: first + 5, output: true });
    expect(found.map((entry) => entry[2])).toEqual([
      ["'alpha' + 1", "'alpha1'"],
      ["'beta'", "'beta'"],
      ["'alpha' + 2", "'alpha2'"],
      ["'beta'", "'beta'"],
      ["const gamma = 'x[1]';", null],
    ]);
  });

  test.each([1, 2, 3])('by tail returns the last %i', async (n) => {
    const all = await ask({ hist_access_type: 'tail', n: 1000 });
    expect(await ask({ hist_access_type: 'tail', n })).toEqual(all.slice(-n));
  });

  test.each([0, -1])('by tail with %i returns none', async (n) => {
    expect(await ask({ hist_access_type: 'tail', n })).toEqual([]);
  });

  test.each([
    ["'alpha'*", ["'alpha' + 1", "'alpha' + 2"]],
    ['*alpha*', ["'alpha' + 1", "'alpha' + 2"]],
    ["'alpha' + ?", ["'alpha' + 1", "'alpha' + 2"]],
    ["'alpha' + [12]", ["'alpha' + 1", "'alpha' + 2"]],
    ["'alpha' + [!1]", ["'alpha' + 2"]],
    ["'alpha' + [2-9]", ["'alpha' + 2"]],
    ["'ALPHA'*", []],
    ["'beta'", ["'beta'", "'beta'"]],
    ["*'x[[]1]';", ["const gamma = 'x[1]';"]],
    ['alpha', []],
    ['*alpha*(', []],
    ['*alpha*[', []],
    ["*'x[1", []],
    ['*[z-a]*', []],
    ['*\\', []],
  ])('by search for %s matches like a shell pattern', async (pattern, expected) => {
    expect((await ask({ hist_access_type: 'search', pattern, n: 100 })).map((entry) => entry[2])).toEqual(expected);
  });

  test('by search with unique returns only the last entry of each input', async () => {
    expect(await ask({ hist_access_type: 'search', pattern: "'beta'", unique: true, n: 10 })).toEqual([
      [expect.any(Number), first + 3, "'beta'"],
    ]);
  });

  test('by search returns the last n', async () => {
    expect((await ask({ hist_access_type: 'search', pattern: "'alpha'*", n: 1 })).map((entry) => entry[2])).toEqual([
      "'alpha' + 2",
    ]);
  });

  test.each([
    {},
    { hist_access_type: 'nonesuch' },
    { hist_access_type: 'range', start: 'x', stop: null },
    { hist_access_type: 'search', pattern: 7, n: 'x' },
  ])('with %j is answered', async (content) => {
    expect((await client.request('history_request', content)).msg_type).toBe('history_reply');
  });
});

describe('is_complete', () => {
  const INCOMPLETE: [string, string?][] = [
    ['function f() {', '  '],
    ['  if (x) {', '    '],
    ['foo(', '  '],
    ['foo(1,'],
    ['const a = [', '  '],
    ['const a = [1, 2,'],
    ['const o = { a: 1,'],
    ['if (x)'],
    ['while (true)'],
    ['for (const a of b)'],
    ['if (x) {} else'],
    ['const a ='],
    ['1 +'],
    ['a &&'],
    ['a ?'],
    ['a ? b :'],
    ['() =>'],
    ['a.'],
    ['new'],
    ['`abc'],
    ['`a ${'],
    ['`a ${b'],
    ['`a ${b}'],
    ['/* comment'],
    ['f(); /** doc'],
    ['class A'],
    ['class A {', '  '],
    ['class A { @dec'],
    ['@dec'],
    ['@dec()'],
    ['interface I {', '  '],
    ['type T ='],
    ['import { a'],
    ['import { a } from'],
    ['switch (x) {', '  '],
    ['switch (x) { case 1:'],
    ['try {', '  '],
    ['try {}'],
    ['do {} while'],
    ['foo(/[)]/,'],
    ['`a ${b}`; foo('],
    ['foo("(",'],
    ['f({ a: [1, {'],
    ['foo( // why'],
    ['const f = async (x: number) => {', '  '],
    ['let x: Array<'],
  ];
  const COMPLETE = [
    '',
    ' ',
    '\n',
    '// comment',
    '/* c */',
    '1',
    'const a = 1',
    'const a = 1;',
    'f()',
    'if (x) {}',
    'if (x) y',
    '`abc`',
    '`a ${b}`',
    '/ab+/',
    '/[(]/.test(x)',
    'x = a / b / c',
    'class A {}',
    '@dec class A {}',
    'class A { @dec method() {} }',
    'import { a } from "a"',
    'export const a = 1',
    'await x',
    'for (;;) {}',
    'a\n  .b()',
    '"(" + \'{\'',
    'nonesuch',
    "const n: number = 'x'",
    'let x = y as any',
    'async function f() { await 1; }',
    'return',
    'type T = string',
    'label: for (;;) { break label; }',
    '({})',
    '[]',
    '"a\\\nb"',
    ';',
  ];
  const INVALID = [
    '}',
    ')',
    ']',
    'let 1x = 2',
    '"abc',
    "'abc",
    'foo(}',
    'f(])',
    'a b',
    'const const = 1',
    'if (x))',
    'function () {}',
    '1 + + + ;',
    '/abc',
    '"abc\n',
    'foo("abc',
    'let x = (1 + ;',
    '} {',
    'let a = 1; } foo(',
  ];

  test.each(INCOMPLETE.map(([code, indent]) => [code, indent ?? null] as const))(
    '%s is incomplete',
    async (code, indent) => {
      const { content } = await client.request('is_complete_request', { code });
      expect(content).toEqual({ status: 'incomplete', indent: indent ?? (expect.stringMatching(/^ *$/) as unknown) });
    },
  );
  test.each(COMPLETE)('%j is complete', async (code) => {
    expect((await client.request('is_complete_request', { code })).content).toEqual({ status: 'complete' });
  });
  test.each(INVALID)('%j is invalid', async (code) => {
    expect((await client.request('is_complete_request', { code })).content).toEqual({ status: 'invalid' });
  });
});

describe('comms', () => {
  test('with an unknown target do not exist', async () => {
    await client.send('execute_request', { code: '1' }, { metadata: { cellId: 'some-cell' } });
    const { content } = await client.request('comm_info_request', { target_name: 'jupyter.widget' });
    expect(content).toEqual({ status: 'ok', comms: {} });
  });

  test('without a target are the runs of cells, for a page that has missed them', async () => {
    await client.replyTo(await client.send('execute_request', { code: '1' }, { metadata: { cellId: 'known-cell' } }));
    const { content } = await client.request('comm_info_request', {});
    expect(content).toMatchObject({ status: 'ok', comms: { 'known-cell': { target_name: 'cell', hasEnded: true } } });
  });

  test.each(['comm_open', 'comm_msg'])('that are unknown are closed in answer to %s', async (type) => {
    const id = await client.send(type, { comm_id: 'c-1', target_name: 'nonesuch', data: {} });
    await client.idle(id);
    const messages = client.on('iopub', id);
    expect(kinds(messages)).toEqual(['busy', 'comm_close', 'idle']);
    expect(messages[1].content).toMatchObject({ comm_id: 'c-1' });
  });

  test('receive no answer to comm_close', async () => {
    const id = await client.send('comm_close', { comm_id: 'c-1', data: {} });
    await client.idle(id);
    expect(kinds(client.on('iopub', id))).toEqual(['busy', 'idle']);
  });
});

describe('a message', () => {
  const channels = ['shell', 'control'] as const;
  const header = (more: object = {}): object => ({
    msg_id: 'm-1',
    msg_type: 'kernel_info_request',
    session: 's',
    username: 'u',
    date: '',
    version: '5.3',
    ...more,
  });

  describe.each(channels)('on the %s channel', (channel) => {
    const dropped = async (send: () => Promise<unknown>): Promise<void> => {
      const before = client.messages.length;
      await send();
      const id = await client.send('kernel_info_request', {}, { channel });
      await client.replyTo(id);
      await client.idle(id);
      const others = client.messages.slice(before).filter(({ parent_header }) => parent_header.msg_id !== id);
      expect(others).toEqual([]);
    };

    test.each([
      ['of zeros', '0'.repeat(64)],
      ['that is empty', ''],
      ['that is too short', 'abc'],
    ])('with a signature %s is dropped', (_what, signature) =>
      dropped(() => client.send('execute_request', { code: "console.log('forged')" }, { channel, signature })),
    );

    test.each(['shutdown_request', 'interrupt_request'])('%s with a wrong signature is dropped', (type) =>
      dropped(() => client.send(type, {}, { channel, signature: '0'.repeat(64) })),
    );

    test.each([
      ['no frames but one', ['x']],
      ['an empty frame', ['']],
      ['no delimiter', ['a', 'b', 'c', 'd', 'e', 'f']],
      ['a delimiter and nothing else', ['<IDS|MSG>']],
      ['a delimiter and a signature', ['<IDS|MSG>', 'abc']],
    ])('with %s is dropped', (_what, frames) => dropped(() => client.sendFrames(frames, channel)));

    test.each([
      ['too few parts', ['{}', '{}', '{}']],
      ['parts that are no JSON', ['{', '{}', '{}', '{}']],
      ['a content that is no JSON', [JSON.stringify(header()), '{}', '{}', 'content']],
      ['an empty content', [JSON.stringify(header()), '{}', '{}', '']],
      ['a content that is a list', [JSON.stringify(header()), '{}', '{}', '[]']],
      ['a content that is null', [JSON.stringify(header()), '{}', '{}', 'null']],
      ['a content that is a number', [JSON.stringify(header()), '{}', '{}', '7']],
      ['a header that is a list', ['[]', '{}', '{}', '{}']],
      ['a header without msg_type', [JSON.stringify(header({ msg_type: undefined })), '{}', '{}', '{}']],
      ['a header without msg_id', [JSON.stringify(header({ msg_id: undefined })), '{}', '{}', '{}']],
      ['a header whose msg_type is a number', [JSON.stringify(header({ msg_type: 7 })), '{}', '{}', '{}']],
      ['metadata that is text', [JSON.stringify(header()), '{}', '"x"', '{}']],
    ])('with %s is dropped', (_what, parts) => dropped(() => client.sendParts(parts, { channel })));

    test.each(['nonesuch_request', 'debug_request', '__proto__', 'constructor', '', 'execute_reply', 'input_reply'])(
      'of the unknown type %j has no reply, and is dealt with',
      async (type) => {
        const id = await client.send(type, {}, { channel });
        await client.idle(id);
        expect(kinds(client.on('iopub', id))).toEqual(['busy', 'idle']);
        expect(client.on(channel, id)).toEqual([]);
      },
    );
  });

  test('with buffers after its content is accepted', async () => {
    const parts = [header({ msg_id: 'with-buffers' }), {}, {}, {}].map((part) => JSON.stringify(part));
    await client.sendParts(parts);
    await client.replyTo('with-buffers');
  });

  test.each([[undefined], [7], [null], [['1']], [{}]])('to execute %j is answered by an error', async (code) => {
    const { reply, messages } = await client.run(code);
    expect(reply).toMatchObject({
      status: 'error',
      evalue: expect.stringMatching(/has no code \(expected a string\)/) as unknown,
    });
    expect(kinds(messages)).toEqual(['busy', 'error', 'idle']);
  });

  test.each([
    ['complete_request', {}],
    ['complete_request', { code: 7, cursor_pos: 0 }],
    ['inspect_request', {}],
    ['inspect_request', { code: null }],
  ])('%s with %j is answered by an error', async (type, content) => {
    expect((await client.request(type, content)).content).toMatchObject({
      status: 'error',
      evalue: expect.stringContaining('expected a string') as unknown,
    });
  });

  test.each([
    ['complete_request', { code: 'abc' }],
    ['complete_request', { code: 'abc', cursor_pos: 99 }],
    ['complete_request', { code: 'abc', cursor_pos: -1 }],
    ['complete_request', { code: 'abc', cursor_pos: 1.5 }],
    ['complete_request', { code: '', cursor_pos: 0 }],
    ['inspect_request', { code: 'abc', cursor_pos: 99 }],
    ['is_complete_request', {}],
    ['is_complete_request', { code: 7 }],
    ['comm_info_request', { target_name: 7 }],
    ['comm_open', {}],
  ])('%s with %j is answered', async (type, content) => {
    await client.idle(await client.send(type, content));
  });
});

describe('shutdown', () => {
  const cases = (['control', 'shell'] as const).flatMap((channel) =>
    [true, false].flatMap((restart) =>
      (
        [
          ['while idle', null],
          ['in an endless loop', "console.log('begun'); for (;;) {}"],
          ['in a cell that waits', "console.log('begun'); setInterval(() => {}, 1000); await new Promise(() => {});"],
        ] as const
      ).map(([when, code]) => [channel, restart, when, code] as const),
    ),
  );

  test.each(cases)(
    'on the %s channel with restart %s %s is answered, and the kernel ends',
    async (channel, restart, _when, code) => {
      const other = await startKernel();
      const its = await Client.connect(await other.connection());
      if (code) {
        const id = await its.execute(code);
        await its.until(() => its.on('iopub', id).some(({ msg_type }) => msg_type === 'stream'));
      }
      const reply = await its.request('shutdown_request', { restart }, { channel });
      expect([reply.channel, reply.msg_type, reply.content]).toEqual([
        channel,
        'shutdown_reply',
        { status: 'ok', restart },
      ]);
      await other.died;
      expect(other.isAlive()).toBe(false);
      expect(
        its
          .on('iopub')
          .filter(({ msg_type }) => msg_type === 'shutdown_reply')
          .map(({ content }) => content.restart),
      ).toEqual([restart]);
      its.close();
      await other.stop();
    },
  );

  test.each([
    ["process.on('exit', () => { for (;;) {} }), undefined", 'an endless loop at exit'],
    ["process.on('SIGTERM', () => {}), undefined", 'a listener for SIGTERM'],
    ["new (require('worker_threads').Worker)('for (;;) {}', { eval: true }), undefined", 'a worker that loops'],
  ])('ends the kernel even after %s', async (code) => {
    const other = await startKernel();
    const its = await Client.connect(await other.connection());
    await its.run(code);
    await its.request('shutdown_request', { restart: false }, { channel: 'control' });
    await other.died;
    its.close();
    await other.stop();
  });
});

describe('a second client', () => {
  test('sees input and output of the first', async () => {
    const script = `
import json, sys
from jupyter_client import BlockingKernelClient
client = BlockingKernelClient(connection_file=sys.argv[1])
client.load_connection_file()
client.start_channels()
client.wait_for_ready(timeout=30)
print('ready', flush=True)
while True:
    message = client.get_iopub_msg(timeout=30)
    print(json.dumps([message['msg_type'], message['content']], default=str), flush=True)`;
    const { file } = await kernel.connection();
    const other = spawn(python, ['-c', script, file]);
    const lines = createInterface(other.stdout)[Symbol.asyncIterator]();
    expect(await lines.next()).toEqual({ done: false, value: 'ready' });
    const code = "console.log('for both'); 'seen'";
    await client.run(code);
    const seen: [string, Record<string, unknown>][] = [];
    while (!seen.some(([type]) => type === 'execute_result')) {
      const { value } = (await lines.next()) as { value: string };
      seen.push(JSON.parse(value) as (typeof seen)[0]);
    }
    other.kill();
    expect(seen.find(([type]) => type === 'execute_input')![1]).toMatchObject({ code });
    expect(seen.find(([type]) => type === 'stream')![1]).toEqual({ name: 'stdout', text: 'for both\n' });
    expect(seen.at(-1)![1]).toMatchObject({ data: { 'text/plain': "'seen'" } });
  });

  test('has the same variables, its own replies, and the next count', async () => {
    const second = await Client.connect(await kernel.connection());
    const { reply } = await client.run('const shared = 11;');
    const { reply: other, id } = await second.run('shared');
    expect(other.execution_count).toBe((reply.execution_count as number) + 1);
    await client.idle(id);
    expect(client.on('shell', id)).toEqual([]);
    expect(kinds(client.on('iopub', id))).toEqual(['busy', 'execute_input', 'execute_result', 'idle']);
    second.close();
  });
});
