// A class on the real hub, with real users. All tests share one hub.
import { execFileSync, spawnSync } from 'node:child_process';
import { appendFileSync, chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { get } from 'node:https';
import { join } from 'node:path';
import { type Browser } from 'playwright-core';
import { describeInBrowser, launchBrowser, screenshots } from '../helpers/browser';
import { Disk, testWithDisk } from '../helpers/checkout';
import { Classroom, Person, type RemoteKernel, describeClassroom, kernelsOf, until } from '../helpers/classroom';
import { LOOPBACK, isAlive, listeningAddresses } from '../helpers/processes';
import { type Started } from '../helpers/started';

jest.setTimeout(10 * 60_000);

const NOBODY = { uid: 65534, gid: 65534 };

describeClassroom('npm run classroom', () => {
  const classroom = new Classroom();
  const { checkout } = classroom;
  const inProject = (...path: string[]): string => join(checkout.root, ...path);
  let command: Started;
  let ada: Person;
  let bob: Person;
  let eva: Person;
  let ina: Person;
  let max: Person;
  let uma: Person;
  let kim: Person;
  let adasKernel: RemoteKernel;

  /** Ends the hub or the proxy as a crash would, and returns once another one runs. */
  async function crash(name: 'hub' | 'proxy'): Promise<void> {
    const before = classroom.pid(name);
    process.kill(before, 'SIGKILL');
    await until(() => classroom.pid(name) !== before);
  }

  /** Whether others are served: a page of the hub, and a cell. */
  async function othersGoOn(): Promise<void> {
    expect(await adasKernel.run('console.log(40 + 2)')).toBe('42\n');
    expect((await bob.elsewhere().logIn()).status).toBe(302);
  }

  beforeAll(async () => {
    const student = 'student';
    const people = await classroom.setUp({
      ada: student,
      bob: student,
      eva: student,
      ina: student,
      max: student,
      kim: 'teacher',
    });
    ({ ada, bob, eva, ina, max, kim } = people);
    command = await classroom.open();
  });
  afterAll(() => classroom.delete());

  describe('accounts', () => {
    test('are users of the machine whose homes are closed to others, and who can log in at the hub only', () => {
      for (const { login, home } of [ada, kim]) {
        expect([login, (statSync(home).mode & 0o777).toString(8)]).toEqual([login, '700']);
        expect(execFileSync('getent', ['passwd', login], { encoding: 'utf8' })).toMatch(/:\/usr\/sbin\/nologin\n$/);
        expect(execFileSync('getent', ['shadow', login], { encoding: 'utf8' })).toMatch(/^[^:]+:!/);
      }
    });

    test('stay as they are, with their passwords, if the list is read again with one more line', async () => {
      const late = classroom.login('late');
      const list = Buffer.concat([
        Buffer.from(`login,name\r\n${ada.login},학생 ada\r\n${late},`),
        Buffer.from([0xc0, 0xcc, 0xb9, 0xd9, 0xb4, 0xd9]), // 이바다, as Korean Excel saves it
        Buffer.from('\r\n'),
      ]);
      const { status, stdout } = classroom.addPeople(list);
      expect(status).toBe(0);
      expect(stdout).toContain(`${ada.login} exists already`);
      expect(stdout).toMatch(new RegExp(`  이바다\n\n  address    ${classroom.origin}/\n  login      ${late}\n`));
      expect(stdout.match(/password {3}/g)).toHaveLength(1);
      expect((await ada.logIn()).status).toBe(302);
      await kim.arrive();
      const users = await kim.api<{ name: string }[]>('/hub/api/users');
      expect(users.map(({ name }) => name)).toContain(late); // although the hub was running
    });

    test('share one password, which need not be changed, with --class-password', async () => {
      const [tim, umasLogin] = [classroom.login('tim'), classroom.login('uma')];
      const { stdout } = classroom.addPeople(`${tim},Tim\n${umasLogin},Uma\n`, '--class-password');
      const [first, second] = [...stdout.matchAll(/password {3}(\S+)/g)].map(([, password]) => password);
      expect(second).toBe(first);
      uma = new Person(classroom, umasLogin, first);
      const { status, location } = await uma.logIn();
      expect([status, location]).toEqual([302, expect.not.stringContaining('change-password')]);
    });

    test('are deleted with --remove, with their homes', async () => {
      const login = classroom.login('gone');
      classroom.addPeople(`${login},Gone\n`);
      expect(existsSync(`/home/${login}`)).toBe(true);
      expect(classroom.run('--remove', login)).toMatchObject({ status: 0, stderr: '' });
      expect([existsSync(`/home/${login}`), spawnSync('id', [login]).status]).toEqual([false, 1]);
      const users = await kim.api<{ name: string }[]>('/hub/api/users');
      expect(users.map(({ name }) => name)).not.toContain(login);
      expect(classroom.run('--remove', 'root').stderr).toMatch(/^There is no account root \(expected one of/);
    });

    test('none is made from a list with mistakes, and each mistake is a sentence', () => {
      const login = classroom.login('good');
      const { status, stderr } = classroom.addPeople(
        [`${login},Good`, 'Kim Lee,Kim', '20231234,Lee', 'x1', `${login},Twice`, 'x2,Park,boss', 'root,Root'].join(
          '\n',
        ),
      );
      expect(status).toBe(1);
      expect(stderr.split('\n').slice(1)).toEqual([
        expect.stringMatching(/^line 2: 'Kim Lee' is not a login \(expected .*, such as s01\)\.$/),
        expect.stringMatching(/^line 3: '20231234' is not a login \(expected .*, such as s20231234\)\.$/),
        'line 4: x1 has no name that can be printed (expected login,name).',
        `line 5: the login ${login} is already in line 1.`,
        'line 6: expected login,name or login,name,role, and as role student or teacher.',
        'line 7: root is a user of this machine who is not in the class: choose another login.',
        '',
      ]);
      expect(spawnSync('id', [login]).status).not.toBe(0);
    });
  });

  describe('logging in', () => {
    test('begins with a password of one’s own: before it is chosen, no server starts', async () => {
      const first = ada.password;
      expect((await ada.logIn()).location).toBe('/hub/change-password');
      expect((await ada.ask(`/hub/spawn/${ada.login}`)).text).toContain('Choose a password of your own first');
      expect(ada.pids(/./)).toEqual([]);
      expect((await ada.changePassword('short')).text).toMatch(/too short.*너무 짧습니다/s);
      expect((await ada.changePassword(first)).text).toContain('choose another one');
      expect(
        (await ada.send('/hub/change-password', { old: 'wrong', new: 'long enough', again: 'long enough' })).text,
      ).toContain('was not right');
      const other = ada.elsewhere();
      await other.logIn();
      expect((await ada.changePassword('김하늘 likes TypeScript')).status).toBe(302);
      expect((await ada.elsewhere().logIn(first)).status).toBe(403);
      expect((await ada.logIn()).location).not.toContain('change-password');
      // Whoever had logged in with the first password is out.
      expect((await other.ask('/hub/home')).location).toContain('/hub/login');
    });

    test('is refused to those who have no account, and to the users of the machine who are not in the class', async () => {
      for (const login of ['nobody-here', 'root', '']) {
        const { status, text } = await ada.elsewhere().send('/hub/login', { username: login, password: '' });
        expect([login, status]).toEqual([login, 403]);
        expect(text).toContain('Invalid username or password');
      }
    });

    describe('after wrong passwords', () => {
      let answered: string[];
      beforeEach(() => {
        answered = [];
      });
      let count = 0;
      const attempt = (who: Person, name: string, password?: string) => {
        const pretended = `192.0.2.${++count}`;
        return who
          .logIn(password, { 'X-Real-Ip': pretended, 'X-Forwarded-For': pretended })
          .then(({ status }) => void answered.push(`${name} ${status}`));
      };
      const guesses = (who: Person, number: number) =>
        Array.from({ length: number }, () => attempt(who.elsewhere(), 'wrong', 'guess'));

      test('is slowed down, for this login only, whatever address one pretends to have', async () => {
        const all = guesses(bob, 3);
        await until(() => answered.length >= 2);
        all.push(attempt(bob.elsewhere(), 'right')); // waits its turn, too
        await attempt(ada.elsewhere(), 'other');
        await Promise.all(all);
        expect(answered.at(-1)).toBe('right 302');
        expect(answered).toContain('other 302');
      });

      test('is refused while others wait already, but not in a browser that has logged in before', async () => {
        expect((await uma.logIn()).status).toBe(302);
        await Promise.all(guesses(uma, 3));
        const all = Promise.allSettled(guesses(uma, 6)); // three of them wait for 14 s
        await until(() => answered.includes('wrong 429'));
        expect((await uma.elsewhere().logIn()).text).toContain('Too many attempts with this login');
        await attempt(uma, 'own');
        expect(answered).toContain('own 302');
        expect(answered.length).toBeLessThan(10);
        await all;
        expect((await ada.elsewhere().logIn()).status).toBe(302);
      });
    });

    test('is possible by the proxy only, which knows where people are', () => {
      const program = [
        'import http.cookiejar, urllib.error, urllib.parse, urllib.request',
        'jar = http.cookiejar.CookieJar()',
        'ask = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar)).open',
        `address = 'http://127.0.0.1:${classroom.port + 1}/hub/login'`,
        "ask(urllib.request.Request(address, headers={'Sec-Fetch-Mode': 'navigate'}))",
        `form = {'username': '${eva.login}', 'password': '${eva.password}', '_xsrf': [each.value for each in jar][0]}`,
        'try:',
        '    print(ask(address, urllib.parse.urlencode(form).encode()).status)',
        'except urllib.error.HTTPError as error:',
        "    print(error.status, 'Log in at the address of the classroom.' in error.read().decode())",
      ];
      const file = join(checkout.folder, 'log-in.py');
      writeFileSync(file, program.join('\n'));
      expect(bob.sh(`/usr/bin/python3 ${file}`)).toMatchObject({ stdout: '403 True\n', stderr: '' });
    });

    test('gives a forgetful student a new first password', async () => {
      const { stdout } = classroom.run('--new-password', bob.login);
      const old = bob.password;
      [, bob.password] = /password {3}(\S+)/.exec(stdout)!;
      expect((await bob.elsewhere().logIn(old)).status).toBe(403);
      expect((await bob.logIn()).location).toBe('/hub/change-password');
      expect(classroom.run('--new-password', 'nobody-here').stderr).toMatch(
        /^There is no account nobody-here \(expected one of/,
      );
    });
  });

  describe('a student', () => {
    test('has own copies of the notebooks, and a kernel that finds the library without a link in the home', async () => {
      await Promise.all([ada.arrive(), bob.arrive()]);
      await Promise.all([ada.startServer(), bob.startServer()]);
      adasKernel = await ada.startKernel();
      const printed = await adasKernel.run(
        "import * as tf from '@tensorflow/tfjs-node';\nimport * as mnist from 'mnist-lib';\n" +
          'console.log(tf.add(2, 3).dataSync()[0], typeof mnist.fit, process.cwd())',
      );
      expect(printed).toBe(`5 function ${ada.home}/my-mnist-lecture/notebooks\n`);
      const { stdout } = ada.sh(
        'find my-mnist-lecture -name "*.ipynb" -o -type l -o -name node_modules | grep -v checkpoints | sort',
      );
      expect(stdout.split('\n').filter(Boolean)).toEqual([
        'my-mnist-lecture/notebooks/exercises/exercises.ipynb',
        'my-mnist-lecture/notebooks/exercises/ko/exercises.ipynb',
        'my-mnist-lecture/notebooks/ko/mnist-dense.ipynb',
        'my-mnist-lecture/notebooks/look-inside.ipynb',
        'my-mnist-lecture/notebooks/mnist-dense.ipynb',
      ]);
    });

    test('keeps an idle kernel for a while (that it ends is tested below)', async () => {
      const settings = 'classroom/jupyter_server_config.py';
      checkout.replace(settings, (text) => text.replace('HOUR = 3600', 'HOUR = 12'));
      await ina.arrive();
      const server = await ina.startServer();
      (await ina.startKernel()).close();
      checkout.replace(settings, (text) => text.replace('HOUR = 12', 'HOUR = 3600'));
      expect(kernelsOf(server)).toHaveLength(1);
    });

    test('who logs in from two browsers finds the same server', async () => {
      const [server] = ada.pids(/student_server/);
      const second = ada.elsewhere();
      await second.arrive();
      expect(await second.startServer().catch(() => second.serverPid)).toBe(server);
      expect(ada.pids(/student_server/)).toEqual([server]);
      expect(await (await second.connect(adasKernel.id)).run('console.log(typeof mnist.fit)')).toBe('function\n');
      await othersGoOn();
    });

    test('reads nothing of others, of the hub or of the solutions, and writes nothing into the installation', async () => {
      const server = ada.serverPid;
      const hub = classroom.pid('hub');
      const forbidden = [
        `ls ${ada.home}`,
        `ls /run/mnist-class/${ada.login}`,
        'ls /run/mnist-class',
        ...[server, ...kernelsOf(server), hub, classroom.pid('proxy')].map((pid) => `cat /proc/${pid}/environ`),
        `ls ${classroom.state}`,
        ...['accounts.json', 'jupyterhub.sqlite', 'cookie-secret', 'token', 'proxy-token', 'hub.log'].map(
          (name) => `cat ${join(classroom.state, name)}`,
        ),
        `cat ${inProject('notebooks/exercises/solutions.ipynb')}`,
        `cat ${inProject('notebooks/exercises/ko/solutions.ipynb')}`,
        `touch ${inProject('new')}`,
        `touch ${inProject('lib/dist/index.js')}`,
        `touch ${inProject('classroom/.venv/new')}`,
        `touch ${inProject('.cache/new')}`,
        `kill ${server}`,
        `kill ${hub}`,
      ];
      for (const each of forbidden) {
        const { status, stdout, stderr } = bob.sh(each);
        expect([each, status === 0, stdout, /denied|not permitted/.test(stderr)]).toEqual([each, false, '', true]);
      }
      // The same from a notebook, whose kernel is started by another way.
      const kernel = await bob.startKernel();
      const printed = await kernel.run(
        `import { readdirSync, writeFileSync } from 'node:fs';\n` +
          `for (const work of [() => readdirSync('${ada.home}'), () => writeFileSync('${inProject('lib/dist/index.js')}', '')]) {\n` +
          `  try { work(); console.log('done'); } catch (error) { console.log((error as any).code); }\n}`,
      );
      expect(printed).toBe('EACCES\nEACCES\n');
      kernel.close();
      await othersGoOn();
    });

    test('does not get into the server of another, neither with a token nor by a socket', async () => {
      for (const path of ['/api/kernels', '/lab', '/api/contents/notebooks']) {
        const { status } = await bob.ask(`/user/${ada.login}${path}`);
        expect([path, [403, 404].includes(status)]).toEqual([path, true]);
      }
      const { status } = await bob.ask(`/hub/api/users/${ada.login}/server`, { method: 'DELETE' });
      expect([403, 404]).toContain(status);
      for (const page of ['admin', 'class']) {
        expect((await bob.ask(`/hub/${page}`)).status).toBe(403);
      }
      // A kernel's sockets at TCP ports would be open to all users of the machine.
      expect(kernelsOf(ada.serverPid).flatMap(listeningAddresses)).toEqual([]);
      await othersGoOn();
    });

    test('listens on this machine only, as the hub and the proxy do', () => {
      const addresses = [classroom.pid('proxy'), classroom.pid('hub'), ada.serverPid].flatMap(listeningAddresses);
      expect(addresses).toContain(`${LOOPBACK}:${classroom.port.toString(16).toUpperCase()}`);
      expect(addresses.filter((address) => !address.startsWith(`${LOOPBACK}:`))).toEqual([]);
    });

    test('lets the teachers in, who do not get in otherwise', async () => {
      const notebooks = `/user/${ada.login}/api/contents/notebooks`;
      expect((await kim.ask(notebooks)).status).toBe(403);
      await ada.send('/hub/let-in', {});
      expect((await kim.ask(notebooks)).status).toBe(200);
      expect((await kim.ask('/hub/class')).text).toContain(`href="/user/${ada.login}/"`);
      await ada.send('/hub/let-in', {});
      expect((await kim.ask(notebooks)).status).toBe(403);
      expect((await kim.ask('/hub/class')).text).not.toContain(`href="/user/${ada.login}/"`);
    });

    test('finds no token in a file or a command line that all can read', () => {
      const secrets = ['token', 'proxy-token', 'cookie-secret'].map((name) =>
        readFileSync(join(classroom.state, name), 'utf8').trim(),
      );
      const patterns = join(checkout.home, 'patterns');
      writeFileSync(patterns, [...secrets, ada.apiToken, ada.password].join('\n'), { mode: 0o644 });
      const folders = ['classroom', '.jupyter', 'notebooks', 'scripts']
        .map((name) => inProject(name))
        .filter(existsSync);
      const grep = (options: object) =>
        spawnSync('grep', ['-rlFf', patterns, ...folders, '/run/mnist-class', '--exclude-dir=.venv'], {
          encoding: 'utf8',
          ...options,
        }).stdout;
      expect(grep({})).toContain(join(classroom.state, 'token')); // this test would notice one
      expect(grep(NOBODY)).toBe('');
      const everywhere = `find /tmp /run /var/tmp -maxdepth 3 -type f -exec grep -lFf ${patterns} {} + ; ps -eo args | grep -Ff ${patterns}`;
      expect(
        spawnSync('sh', ['-c', everywhere], { ...NOBODY, encoding: 'utf8' }).stdout.replace(`${patterns}\n`, ''),
      ).toBe('');
    });
  });

  describe('faults', () => {
    test('the hub killed in the middle of training: training goes on, and a new hub finds the servers', async () => {
      const flag = join(ada.home, 'enough');
      const training = adasKernel.start(
        'const model = tf.sequential({ layers: [tf.layers.dense({ inputShape: [4], units: 1 })] });\n' +
          "model.compile({ optimizer: 'adam', loss: 'meanSquaredError' });\n" +
          'const [x, y] = [tf.randomNormal([64, 4]), tf.randomNormal([64, 1])];\n' +
          "import { existsSync } from 'node:fs';\n" +
          'let epochs = 0;\n' +
          `while (!existsSync('${flag}')) { await model.fit(x, y, { epochs: 1, verbose: 0 }); epochs++; console.log('epoch', epochs); }\n` +
          "console.log('trained');",
      );
      await until(() => adasKernel.output(training).includes('epoch 1\n'));
      const [server, printed] = [ada.serverPid, adasKernel.output(training).length];
      await crash('hub');
      await command.says(/The hub has ended, and is started again/);
      await until(() => adasKernel.output(training).length > printed);
      await until(async () => (await ada.ask(`/hub/api/users/${ada.login}`)).status === 200);
      expect(await ada.server()).toMatchObject({ ready: true });
      ada.sh(`touch ${flag}`);
      expect(await adasKernel.ended(training)).toMatch(/trained\n$/);
      expect(ada.pids(/student_server/)).toEqual([server]);
      await othersGoOn();
    });

    test('the proxy killed: a new one knows the way to the servers, and kernels keep their variables', async () => {
      await adasKernel.run('const kept = 123;');
      await crash('proxy');
      await command.says(/The proxy has ended, and is started again/);
      await until(() => adasKernel.isClosed);
      adasKernel = await until(() => ada.connect(adasKernel.id).catch(() => undefined));
      expect(await adasKernel.run('console.log(kept)')).toBe('123\n');
      await othersGoOn();
    });

    test('Ctrl-C and a new start: the same servers, kernels and variables', async () => {
      const training = adasKernel.start(
        "for (let step = 0; step < 40; step++) { console.log('step', step); await new Promise((done) => setTimeout(done, 100)); }",
      );
      const proxy = classroom.pid('proxy');
      command.signal('SIGINT');
      expect(await command.ended).toBe(0);
      expect(command.output).toContain('The students who are at work go on');
      expect((await ada.ask(`/user/${ada.login}/api/status`)).status).toBe(200); // without a hub
      command = await classroom.open();
      expect(classroom.pid('proxy')).toBe(proxy);
      expect(await adasKernel.ended(training)).toContain('step 39\n');
      expect(await ada.server()).toMatchObject({ ready: true });
      expect(classroom.run().stderr).toContain(`The classroom is open already, at ${classroom.origin}/`);
      await othersGoOn();
    });

    test('its own command killed: the next one takes the hub over', async () => {
      await command.killAll();
      expect(isAlive(classroom.pid('hub'))).toBe(true);
      command = await classroom.open();
      await othersGoOn();
    });

    test('a server and its kernel killed: the student starts another one', async () => {
      const server = bob.serverPid;
      const kernels = kernelsOf(server);
      expect(kernels).toHaveLength(1);
      process.kill(server, 'SIGKILL');
      await until(() => !kernels.some(isAlive)); // a kernel does not outlive its server
      await othersGoOn();
      await until(async () => !(await bob.server()));
      expect(await bob.startServer()).not.toBe(server);
      const kernel = await bob.startKernel();
      process.kill(kernelsOf(bob.serverPid)[0], 'SIGKILL');
      await until(() => kernelsOf(bob.serverPid).length === 1); // the server starts another kernel
      kernel.close();
      await othersGoOn();
    });

    test('a log that has grown large: its contents are moved aside, and the hub goes on writing', async () => {
      const log = join(classroom.state, 'hub.log');
      appendFileSync(log, 'x'.repeat(10_000_001));
      await until(() => existsSync(`${log}.old`) && statSync(log).size < 1_000_000);
      expect(readFileSync(`${log}.old`, 'utf8')).toContain('xxx');
      expect(statSync(`${log}.old`).mode & 0o777).toBe(0o600);
      await bob.elsewhere().logIn();
      await until(() => readFileSync(log, 'utf8').includes(bob.login));
    });

    test('the notebook folder deleted: it is there again once the server has been started again', async () => {
      bob.sh('rm -rf my-mnist-lecture');
      await othersGoOn();
      const kernels = kernelsOf(bob.serverPid);
      await bob.stopServer();
      expect(kernels.some(isAlive)).toBe(false); // stopping a server ends its kernels
      await bob.startServer();
      expect(bob.sh('ls my-mnist-lecture/notebooks').stdout).toContain('mnist-dense.ipynb');
    });

    testWithDisk('a full home: the student can still log in and make room', async () => {
      const disk = new Disk('2m', max.home);
      try {
        execFileSync('chown', [`${max.login}:`, max.home]);
        max.sh('chmod 700 .; dd if=/dev/zero of=full bs=1k count=4000');
        await max.arrive();
        await max.startServer();
        await othersGoOn();
        const contents = await max.api<{ content: { name: string }[] }>(`/user/${max.login}/api/contents`);
        expect(contents.content.map(({ name }) => name)).toContain('full');
        await max.api(`/user/${max.login}/api/contents/full`, 'DELETE');
        await max.stopServer();
        await max.startServer();
        expect(max.sh('ls my-mnist-lecture/notebooks').stdout).toContain('mnist-dense.ipynb');
        await max.stopServer();
      } finally {
        max.pids(/./).forEach((pid) => process.kill(pid, 'SIGKILL'));
        await until(() => max.pids(/./).length === 0);
        disk.delete();
      }
    });
  });

  describeInBrowser('in a browser', () => {
    let browser: Browser;
    beforeAll(async () => {
      browser = await launchBrowser();
    });
    afterAll(() => browser.close());

    test('a student logs in, chooses a password and finds the lecture', async () => {
      const page = await (await browser.newContext()).newPage();
      await page.goto(`${classroom.origin}/`);
      await page.fill('#username_input', eva.login);
      await page.fill('#password_input', eva.password);
      await page.screenshot({ path: join(screenshots, 'classroom-login.png') });
      await page.click('#login_submit');
      await page.fill('#old', eva.password);
      await page.fill('#new', 'eva likes TypeScript');
      await page.fill('#again', 'eva likes TypeScript');
      await page.screenshot({ path: join(screenshots, 'classroom-password.png') });
      await page.click('#save');
      await page.locator('.jp-Notebook .jp-Cell').first().waitFor({ timeout: 120_000 });
      expect(new URL(page.url()).pathname).toBe(`/user/${eva.login}/lab/tree/notebooks/mnist-dense.ipynb`);
      await page.locator('.jp-KernelName', { hasText: 'TypeScript' }).waitFor();
      await page.screenshot({ path: join(screenshots, 'classroom-lecture.png') });
    });

    test('a teacher sees who is there, by name, and stops a server', async () => {
      const page = await (await browser.newContext()).newPage();
      await page.goto(`${classroom.origin}/hub/class`);
      await page.fill('#username_input', kim.login);
      await page.fill('#password_input', kim.password);
      await page.click('#login_submit');
      const row = page.locator('tr', { hasText: eva.login });
      expect(await row.locator('td').first().textContent()).toBe('학생 eva');
      await page.screenshot({ path: join(screenshots, 'classroom-teacher.png'), fullPage: true });
      await row.getByRole('button').click();
      await row.getByRole('button').waitFor({ state: 'detached' });
      await until(() => eva.pids(/./).length === 0);
      expect(await page.locator('tr', { hasText: ada.login }).getByRole('button').count()).toBe(1);
      expect(await page.locator('a', { hasText: 'Admin' }).count()).toBe(0);
    });
  });

  test('what is idle has ended by now, or does soon: the kernel and its server, and no others', async () => {
    await until(async () => ina.pids(/./).length === 0 && !(await ina.server()));
    await othersGoOn();
  });

  test('another certificate and a new start: https, and the same servers', async () => {
    const [key, certificate] = ['key.pem', 'certificate.pem'].map((name) => join(checkout.home, name));
    const files = ['-keyout', key, '-out', certificate, '-days', '2', '-subj', '/CN=localhost'];
    const san = ['-addext', 'subjectAltName=IP:127.0.0.1'];
    execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...files, ...san], { stdio: 'ignore' });
    const options = ['--tls-key', key, '--tls-certificate', certificate];
    chmodSync(key, 0o644);
    expect(classroom.run(...options).stderr).toMatch(/everybody can read it, students too; run `chmod 600/);
    chmodSync(key, 0o600);
    const server = ada.serverPid;
    command.signal('SIGINT');
    await command.ended;
    command = await classroom.open(...options);
    expect(command.output).toContain(`https://127.0.0.1:${classroom.port}/`);
    const sent = get(`https://127.0.0.1:${classroom.port}/hub/login`, { ca: readFileSync(certificate) });
    const [{ statusCode }] = (await once(sent, 'response')) as [{ statusCode: number }];
    sent.destroy();
    expect(statusCode).toBe(200);
    expect(ada.serverPid).toBe(server);
    await expect(ada.ask('/hub/login')).rejects.toThrow(); // without TLS
  });

  test('a new release brings what is new, and lays a changed original beside what the student has touched', () => {
    const program = `import sys; sys.path.insert(0, '${inProject('classroom')}'); import home, pathlib; home.bring_up_to_date(pathlib.Path('release'))`;
    const run = () => eva.sh(`${inProject('classroom/.venv/bin/python')} -c "${program}"`);
    const bringUpToDate = () => expect(run()).toMatchObject({ status: 0, stderr: '' });
    const list = (): string[] => eva.sh('cd release && find . -type f | sort').stdout.split('\n').filter(Boolean);
    const read = (name: string): string => eva.sh(`cat 'release/${name}'`).stdout;
    bringUpToDate();
    const before = list();
    bringUpToDate();
    expect(list()).toEqual(before);

    eva.sh('echo mine > release/notebooks/mnist-dense.ipynb; rm release/notebooks/exercises/exercises.ipynb');
    checkout.replace('notebooks/mnist-dense.ipynb', (text) => text.replace('"cells"', '\n"cells"'));
    checkout.replace('notebooks/ko/mnist-dense.ipynb', (text) => text.replace('"cells"', '\n"cells"'));
    execFileSync('touch', ['-d', '2027-03-02 12:00', inProject('notebooks/mnist-dense.ipynb')]);
    bringUpToDate();
    bringUpToDate();
    const beside = 'notebooks/mnist-dense 2027-03-02.ipynb';
    expect(list()).toEqual([...before, `./${beside}`].sort());
    expect(read('notebooks/mnist-dense.ipynb')).toBe('mine\n');
    expect(read(beside)).toBe(readFileSync(inProject('notebooks/mnist-dense.ipynb'), 'utf8'));
    expect(read('notebooks/ko/mnist-dense.ipynb')).toBe(
      readFileSync(inProject('notebooks/ko/mnist-dense.ipynb'), 'utf8'),
    );

    // A student who knows how to lay links overwrites own files at most.
    eva.sh('rm -r release/notebooks; ln -s /etc release/notebooks');
    expect(run().stderr).toContain('Permission denied');
  });

  describe('refuses, with a sentence,', () => {
    const refusal = (...args: string[]): string => classroom.run(...args).stderr.split('\n')[0];

    test('a folder that others can change, or not read', () => {
      const changeable = inProject('lib', 'index.ts');
      chmodSync(changeable, 0o666);
      expect(refusal()).toMatch(`${changeable} may be changed by others than root: run`);
      chmodSync(changeable, 0o600);
      expect(refusal()).toMatch(`${changeable} may not be read by everybody: run`);
      chmodSync(changeable, 0o644);
      chmodSync(checkout.folder, 0o700);
      expect(refusal()).toMatch(`${checkout.folder} may not be read by everybody, but students need ${checkout.root}`);
      chmodSync(checkout.folder, 0o755);
    });

    test('to run without root', () => {
      const { stderr } = spawnSync(process.execPath, checkout.command('classroom'), {
        ...NOBODY,
        cwd: checkout.root,
        encoding: 'utf8',
      });
      expect(stderr).toMatch(/^A classroom needs root/);
    });

    test('a machine that cannot make accounts, as a small container', () => {
      const { status, stderr } = spawnSync(process.execPath, checkout.command('classroom'), {
        cwd: checkout.root,
        env: checkout.path({}),
        encoding: 'utf8',
      });
      expect([status, stderr]).toEqual([
        1,
        'useradd is missing, which makes the accounts: run `apt install passwd`.\n',
      ]);
    });
  });
});
