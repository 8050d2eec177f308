# nbgrader's settings for the exercises. scripts/grade.mjs runs nbgrader with them, in the folder of the course.
from pathlib import Path

import nbgrader

grading = Path(__file__).resolve().parent
project = grading.parent
c = get_config()  # nbgrader provides it

c.CourseDirectory.course_id = "mnist"
c.ClearSolutions.code_stub = {"typescript": "// YOUR CODE HERE\nthrow new Error('not written yet');"}
# Seconds for a cell: code that never ends costs its own task and no other.
c.Execute.timeout = 120
# What students hand in is named NAME_exercises.ipynb.
c.FileNameCollectorPlugin.named_regexp = r".*[/\\](?P<student_id>[^/\\_]+)_(?P<file_id>[^/\\]+)$"

# Feedback: nbgrader's page, which loads nothing here, with formulas as on the page of the lecture.
load_subconfig("jupyter_config.py", path=str(project / "page"))
c.HTMLExporter.template_name = "feedback-page"
c.HTMLExporter.extra_template_basedirs = [
    str(grading),
    str(Path(nbgrader.__file__).parent / "server_extensions" / "formgrader" / "templates"),
]

if (project / "classroom" / "state").exists():
    # A class on this machine: the exercises lie in the students' homes. grader.py runs nbgrader then.
    import in_class

    c.ExchangeFactory.release_assignment = in_class.ReleaseAssignment
    c.ExchangeFactory.collect = in_class.Collect
    c.ExchangeFactory.release_feedback = in_class.ReleaseFeedback
