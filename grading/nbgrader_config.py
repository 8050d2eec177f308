# nbgrader's settings for the exercises. scripts/grade.mjs runs nbgrader with them, in the folder of the course.
c = get_config()  # noqa: F821

c.CourseDirectory.course_id = "mnist"
c.ClearSolutions.code_stub = {"typescript": "// YOUR CODE HERE\nthrow new Error('not written yet');"}
# Seconds for a cell: code that never ends costs its own task and no other.
c.Execute.timeout = 120
# What students hand in is named NAME_exercises.ipynb.
c.FileNameCollectorPlugin.named_regexp = r".*[/\\](?P<student_id>[^/\\_]+)_(?P<file_id>[^/\\]+)$"
