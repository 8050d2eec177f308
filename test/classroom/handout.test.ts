// Exercises in a class: handed out into the homes, collected, graded, returned and reset, with real users.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describeInBrowser, openFile } from '../helpers/browser';
import { Classroom, type Person, describeClassroom } from '../helpers/classroom';
import {
  type Notebook,
  answered,
  grade,
  grades,
  points,
  solution,
  solutions,
  students,
  write,
} from '../helpers/exercises';

jest.setTimeout(10 * 60_000);

describeClassroom('exercises in a class', () => {
  const classroom = new Classroom();
  const { checkout } = classroom;
  const course = (...path: string[]): string => join(checkout.root, 'course', ...path);
  const hadGrader = spawnSync('id', ['mnist-grader']).status === 0;
  const NOTEBOOK = 'my-mnist-lecture/notebooks/short/exercises.ipynb';
  const FEEDBACK = 'my-mnist-lecture/notebooks/short/exercises-feedback.html';
  let ada: Person;
  let eve: Person;
  let max: Person;
  let mia: Person;
  let zoe: Person;
  let foreign: ReturnType<typeof createServer>;
  let foreignHost: string;
  const foreignRequests: string[] = [];

  /** Writes a file as its owner. */
  function save(person: Person, notebook: Notebook): void {
    const { status, stderr } = person.sh(`cat > ${NOTEBOOK} << 'END'\n${JSON.stringify(notebook)}\nEND`);
    expect([status, stderr]).toEqual([0, '']);
  }
  const notebookOf = (person: Person): string => readFileSync(join(person.home, NOTEBOOK), 'utf8');

  /** What the code of eve's submission tries, each with the output that tells whether it worked. */
  function attack(): string {
    const paths = [
      course('gradebook.db'),
      course('submitted', ada.login, 'short', 'exercises.ipynb'),
      join(ada.home, NOTEBOOK),
    ];
    return `
      import { spawn } from 'node:child_process';
      import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
      for (const path of ${JSON.stringify([...paths, classroom.state + '/accounts.json', '/etc/shadow'])}) {
        try { console.log('read', path, readFileSync(path).length); } catch (error) { console.log('denied', path, (error as { code: string }).code); }
      }
      try { writeFileSync(${JSON.stringify(join(checkout.root, 'grading', 'grader.py'))}, ''); console.log('written'); } catch (error) { console.log('not written'); }
      console.log('rights', process.getuid!() === 0, process.getgroups!().includes(0), process.env.SECRET_OF_ROOT);
      console.log('left', spawn('sleep', ['987654'], { detached: true, stdio: 'ignore' }).pid);`;
  }

  beforeAll(async () => {
    foreign = createServer((request, response) => {
      foreignRequests.push(request.url!);
      response.end();
    });
    await new Promise<void>((resolve) => foreign.listen(0, '127.0.0.1', resolve));
    foreignHost = `http://127.0.0.1:${(foreign.address() as AddressInfo).port}`;
    const student = 'student';
    ({ ada, eve, max, mia, zoe } = await classroom.setUp({
      ada: student,
      eve: student,
      max: student,
      mia: student,
      zoe: student,
      kim: 'teacher',
    }));
    checkout.takeOverVenv('grading');
    checkout.environment.SECRET_OF_ROOT = 'secret';
    write(course('source', 'short'), 'exercises.ipynb', solutions);
    grade(checkout, 'generate_assignment', 'short', '--create');
  });
  afterAll(async () => {
    foreign.close();
    await classroom.delete();
    if (!hadGrader) {
      spawnSync('userdel', ['mnist-grader']);
    }
  });

  test('are laid into each home, readable by its owner only, without solutions', () => {
    grade(checkout, 'release_assignment', 'short');
    for (const { home, login } of [ada, eve, max, mia]) {
      const { mode, uid } = statSync(join(home, NOTEBOOK));
      expect([login, mode & 0o777, spawnSync('id', ['-u', login], { encoding: 'utf8' }).stdout.trim()]).toEqual([
        login,
        0o600,
        String(uid),
      ]);
    }
    expect(notebookOf(ada)).toBe(readFileSync(course('release', 'short', 'exercises.ipynb'), 'utf8'));
    expect(notebookOf(ada)).not.toContain('BEGIN SOLUTION');
  });

  test('handed out again, replace what nobody has touched, and lie beside what a student has changed', () => {
    save(
      ada,
      answered(students, (_task, cell) => solution(cell)),
    );
    const before = notebookOf(ada);
    const released = course('release', 'short', 'exercises.ipynb');
    const text = readFileSync(released, 'utf8');
    chmodSync(released, 0o644);
    write(course('release', 'short'), 'exercises.ipynb', JSON.parse(text) as Notebook); // other bytes, the same notebook
    grade(checkout, 'release_assignment', 'short');
    expect(notebookOf(ada)).toBe(before);
    expect(readdirSync(join(ada.home, 'my-mnist-lecture', 'notebooks', 'short')).sort()).toEqual([
      expect.stringMatching(/^exercises \d{4}-\d\d-\d\d\.ipynb$/),
      'exercises.ipynb',
    ]);
    expect(notebookOf(max)).toBe(readFileSync(released, 'utf8'));

    // Once more on the same day, after the student has begun with the edition that lies beside.
    const [beside] = readdirSync(join(ada.home, 'my-mnist-lecture', 'notebooks', 'short'));
    expect(ada.sh(`echo '{}' > "my-mnist-lecture/notebooks/short/${beside}"`).status).toBe(0);
    const handedOut = join(checkout.root, 'classroom', 'handed-out', 'notebooks', 'short', 'exercises.ipynb');
    writeFileSync(handedOut, `${text}\n`);
    const update = "import home, pathlib; home.bring_up_to_date(pathlib.Path.home() / 'my-mnist-lecture')";
    const { stderr } = ada.sh(
      `HOME=${ada.home} PYTHONPATH=${join(checkout.root, 'classroom')} /usr/bin/python3 -B -c "${update}"`,
    );
    expect(stderr).toBe('');
    expect(ada.sh(`cat "my-mnist-lecture/notebooks/short/${beside}"`).stdout).toBe('{}\n');
    expect(notebookOf(ada)).toBe(before);
    expect(ada.sh(`cat "my-mnist-lecture/notebooks/short/${beside.replace('.ipynb', ' (2).ipynb')}"`).stdout).toBe(
      readFileSync(handedOut, 'utf8'),
    );
    writeFileSync(handedOut, readFileSync(released));
  });

  test('are collected from the homes with the rights of their owners: no link or pipe leads root elsewhere', () => {
    const spying: Notebook = answered(students, (task, cell) =>
      task === 0 ? `${solution(cell)}\n${attack()}` : solution(cell),
    );
    const note = {
      id: 'note',
      cell_type: 'markdown',
      metadata: {},
      source: `My note $x^2$ <img src="${foreignHost}/note.png">`,
    };
    save(eve, { ...spying, cells: [...spying.cells, note] });
    expect(max.sh(`ln -sf ${join(ada.home, NOTEBOOK)} ${NOTEBOOK}`).status).toBe(0);
    expect(mia.sh(`rm ${NOTEBOOK} && mkfifo ${NOTEBOOK}`).status).toBe(0);
    expect(zoe.sh(`echo '{' > ${NOTEBOOK}`).status).toBe(0);
    const output = grade(checkout, 'collect', 'short');
    expect(output).toContain(`${zoe.login}: notebooks/short/exercises.ipynb is not a notebook`);
    expect(output).toContain(`${ada.login} is collected`);
    expect(output).toContain(`${eve.login} is collected`);
    expect(output).toContain(`${max.login}: notebooks/short/exercises.ipynb could not be read: Permission denied`);
    expect(output).toContain(
      `${mia.login}: notebooks/short/exercises.ipynb could not be read: it is not a regular file`,
    );
    expect(readdirSync(course('submitted')).sort()).toEqual([ada.login, eve.login].sort());
    expect(readFileSync(course('submitted', ada.login, 'short', 'exercises.ipynb'), 'utf8')).toBe(notebookOf(ada));
  });

  test('are collected again on request, of the students who have changed something, and of those who are named', () => {
    expect(zoe.sh(`rm ${NOTEBOOK} && cp my-mnist-lecture/notebooks/exercises/exercises.ipynb ${NOTEBOOK}`).status).toBe(
      0,
    );
    const output = grade(checkout, 'collect', 'short', '--update');
    expect(output).toContain(`${ada.login} has changed nothing`);
    expect(output).toContain(`${zoe.login} is collected`);
    rmSync(course('submitted', zoe.login), { recursive: true });
    const unknown = checkout.run('grade', {}, ['collect', 'short', '--student=nobody']);
    expect(unknown.status).not.toBe(0);
    expect(unknown.stderr).toContain('There is no student nobody in the class');
  });

  test('are graded by root only', () => {
    const [uid, gid] = [65534, 65534];
    const { status, stderr } = spawnSync(process.execPath, [...checkout.command('grade'), 'export'], {
      ...{ uid, gid, cwd: checkout.root, encoding: 'utf8' },
    });
    expect([status, stderr]).toEqual([1, expect.stringContaining('use `sudo npm run grade`')]);
  });

  test('are run with the rights of nobody: a submission reads neither grades nor others, and leaves nothing running', () => {
    grade(checkout, 'autograde', 'short');
    grade(checkout, 'export');
    expect(grades(checkout)).toMatchObject({ [ada.login]: points, [eve.login]: points, [max.login]: 0 });
    const outputs = readFileSync(course('autograded', eve.login, 'short', 'exercises.ipynb'), 'utf8');
    expect(outputs.match(/denied [^ ]+ EACCES/g)).toHaveLength(5);
    expect(outputs).toContain('not written');
    expect(outputs).toContain('rights false false undefined');
    const [, left] = /left (\d+)/.exec(outputs)!;
    expect(existsSync(`/proc/${left}`) && readFileSync(`/proc/${left}/cmdline`, 'utf8')).toBeFalsy();
  });

  test('come back as pages beside the notebooks, which only their student can read', () => {
    const target = join(checkout.root, 'README.md');
    const readme = readFileSync(target, 'utf8');
    expect(ada.sh(`ln -s ${target} ${FEEDBACK}`).status).toBe(0);
    expect(eve.sh(`ln -s ${target} ${FEEDBACK}.partial`).status).toBe(0);
    grade(checkout, 'generate_feedback', 'short');
    const output = grade(checkout, 'release_feedback', 'short');
    expect(output).toContain(`${ada.login} has notebooks/short/exercises-feedback.html`);
    expect(output).toContain(
      `${eve.login}: notebooks/short/exercises-feedback.html could not be laid into the home: Permission denied`,
    );
    expect(readFileSync(target, 'utf8')).toBe(readme);
    expect(ada.sh(`cat ${FEEDBACK}`).stdout).toContain(`Score: ${points}`);
    expect(eve.sh(`cat ${join(ada.home, FEEDBACK)}`).stderr).toContain('Permission denied');
    expect(eve.sh(`ls ${course()}`).stderr).toContain('Permission denied');
  });

  describeInBrowser('feedback', () => {
    test('asks no other host, whatever a student has written, and shows formulas', async () => {
      const { text, formulas, requests } = await openFile(course('feedback', eve.login, 'short', 'exercises.html'));
      expect(text).toContain('My note');
      expect(formulas).toBeGreaterThan(0);
      expect(foreignRequests).toEqual([]);
      expect(requests).toEqual([]);
    });
  });

  test('are reset for one student, whose own work is kept beside them', () => {
    const before = notebookOf(ada);
    const path = 'notebooks/short/exercises.ipynb';
    const { status, stdout } = classroom.run('--reset', ada.login, '--notebook', path);
    expect(status).toBe(0);
    const [, kept] = /beside it, as (exercises \d{4}-\d\d-\d\d \d\d\.\d\d\.\d\d\.ipynb)\./.exec(stdout)!;
    expect(ada.sh(`cat "my-mnist-lecture/notebooks/short/${kept}"`).stdout).toBe(before);
    expect(notebookOf(ada)).toBe(readFileSync(course('release', 'short', 'exercises.ipynb'), 'utf8'));
    expect(classroom.run('--reset', 'nobody').stderr).toContain('There is no account nobody');
    expect(classroom.run('--reset', ada.login, '--notebook', 'x').stderr).toContain('No notebook x was handed out');
    expect(classroom.run('--reset', max.login).stdout).toContain('exercises.ipynb as it was handed out');
  });
});
