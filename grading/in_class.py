"""How nbgrader hands out, collects and returns exercises in a class on this machine.

The exercises lie in the students' homes, so students neither fetch nor submit anything.
"""

import os
import shutil
import tempfile
from pathlib import Path

import accounts
import home
import nbformat
from as_user import Failed, as_user, read
from nbgrader.api import Gradebook
from nbgrader.exchange import abc

# Where an assignment's notebooks lie in a student's folder, if it is not notebooks/ASSIGNMENT.
FOLDERS = {"exercises-ko": "notebooks/exercises/ko"}


class InClass:
    """What the three commands share."""

    @property
    def assignment(self):
        return self.coursedir.assignment_id

    @property
    def folder(self):
        return FOLDERS.get(self.assignment, f"notebooks/{self.assignment}")

    def path(self, step, student="."):
        return Path(self.coursedir.format_path(step, student, self.assignment))

    def files(self, step):
        """The assignment's files in one of the course's folders, without those of nbgrader."""
        folder = self.path(step)
        if not folder.is_dir():
            self.fail(f"There is no assignment {self.assignment} in {folder}: run generate_assignment first.")
        return sorted(path for path in folder.iterdir() if path.is_file())

    def students(self):
        """The logins and names of the students whom the command is for."""
        wanted, excluded = self.coursedir.student_id, self.coursedir.student_id_exclude.split(",")
        students = {login: account["name"] for login, account in accounts.read().items() if account["role"] == "student"}
        if wanted != "*" and wanted not in students:
            self.fail(f"There is no student {wanted} in the class (expected one of {', '.join(students) or 'none yet'}).")
        return {login: name for login, name in students.items() if wanted in ("*", login) and login not in excluded}

    def start(self):
        self.set_timestamp()
        self.copy_files()


class ReleaseAssignment(InClass, abc.ExchangeReleaseAssignment):
    """Puts an assignment where every student's server finds it, and into the homes."""

    def copy_files(self):
        folder = home.HANDED_OUT / self.folder
        os.umask(0o022)  # for students to read
        for file in self.files(self.coursedir.release_directory):
            home.write(folder / file.name, file.read_bytes())
        os.umask(0o077)
        for login in accounts.read():
            try:
                as_user(login, home.bring_up_to_date)
                self.log.info(f"{login} has {self.assignment}")
            except (Failed, KeyError) as error:
                self.log.warning(f"{login}: {self.assignment} could not be laid into the home: {error}")


class Collect(InClass, abc.ExchangeCollect):
    """Copies the exercises from the homes into the course."""

    def copy_files(self):
        notebooks = [path.name for path in self.files(self.coursedir.source_directory) if path.suffix == ".ipynb"]
        originals = home.originals()
        collected = 0
        for login, name in self.students().items():
            with Gradebook(self.coursedir.db_url, self.coursedir.course_id) as gradebook:
                gradebook.update_or_create_student(login, first_name=name)
            submitted = self.path(self.coursedir.submitted_directory, login)
            if submitted.exists() and not self.update:
                self.log.info(f"{login} was collected before: --update collects again")
                continue
            handed_in = {}
            for notebook in notebooks:
                path = f"{self.folder}/{notebook}"
                try:
                    contents = as_user(login, lambda work, path=path: read(work / path))
                    nbformat.validate(nbformat.reads(contents.decode(), as_version=4))
                except (Failed, KeyError) as error:
                    self.log.warning(f"{login}: {path} could not be read: {error}")
                except (ValueError, AttributeError, nbformat.ValidationError):
                    self.log.warning(f"{login}: {path} is not a notebook, and was not collected")
                else:
                    if path in originals and contents == originals[path].read_bytes():
                        self.log.info(f"{login} has not begun {path}")
                    else:
                        handed_in[notebook] = contents
            if not handed_in:
                continue
            if all(as_before(submitted / notebook, contents) for notebook, contents in handed_in.items()):
                self.log.info(f"{login} has changed nothing since it was collected")
                continue
            replace_folder(submitted, {**handed_in, "timestamp.txt": self.timestamp.encode()})
            self.log.info(f"{login} is collected")
            collected += 1
        self.log.info(f"Collected {self.assignment} of {collected} students")


class ReleaseFeedback(InClass, abc.ExchangeReleaseFeedback):
    """Lays each student's pages beside the notebooks in the home."""

    def copy_files(self):
        for login in self.students():
            for page in sorted(self.path(self.coursedir.feedback_directory, login).glob("*.html")):
                name, contents = f"{self.folder}/{page.stem}-feedback.html", page.read_bytes()
                try:
                    as_user(login, lambda work: home.write(work / name, contents))
                    self.log.info(f"{login} has {name}")
                except (Failed, KeyError) as error:
                    self.log.warning(f"{login}: {name} could not be laid into the home: {error}")


def as_before(path, contents):
    return path.exists() and path.read_bytes() == contents


def replace_folder(folder, files):
    """Writes a folder that appears whole or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial_folder = Path(tempfile.mkdtemp(dir=folder.parent, prefix="."))
    for name, contents in files.items():
        (partial_folder / name).write_bytes(contents)
    shutil.rmtree(folder, ignore_errors=True)
    partial_folder.rename(folder)

