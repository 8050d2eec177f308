"""Checks values files against the schema of Zero to JupyterHub's chart, and what Helm makes of them against Kubernetes' schema.

python render.py CHECKOUT VALUES... prints the kinds of the Kubernetes resources, or the reason why the values are refused.
"""

import json
import subprocess
import sys
from pathlib import Path

import helm_python
import kubernetes_validate
import values
import yaml

KUBERNETES = "1.34"

checkout, *files = sys.argv[1:]
# In the repository, the chart's schema is YAML. Helm reads JSON, which the published chart has.
make_schema = Path(checkout, "tools", "generate-json-schema.py")
subprocess.run([sys.executable, make_schema], check=True, stdout=subprocess.DEVNULL)
try:
    with helm_python.Chart.load(Path(checkout, "jupyterhub")) as chart:
        own = values.read(files)
        chart.validate_schema(own)
        manifests = chart.render(own, name="mnist", namespace="mnist")
    texts = [text for path, text in manifests.items() if path.endswith(".yaml")]  # not NOTES.txt
    resources = [each for text in texts for each in yaml.safe_load_all(text) if each]
    for resource in resources:
        kubernetes_validate.validate(resource, KUBERNETES, strict=True)
except (helm_python.HelmError, kubernetes_validate.ValidationError) as error:
    sys.exit(str(error))
print(json.dumps([resource["kind"] for resource in resources]))
