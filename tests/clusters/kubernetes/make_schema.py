"""Makes schema.json, which tests/clusters/test_kuberay.py holds the shipped file against.

What KubeRay (1.7) takes is written here by hand, from its reference of fields: the CRD itself could
not be had where this was written. What Kubernetes takes is read from the models of its own Python
client, of which only names and types of fields are kept:

    pip install --no-deps --target FOLDER kubernetes==37.0.2
    python tests/clusters/kubernetes/make_schema.py FOLDER

Every object is closed: a field that is misspelt or unknown is an error, where Kubernetes would drop
it in silence.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from pathlib import Path
from typing import Any

TEXT = {"type": "string"}
NUMBER = {"type": "integer"}
YES_NO = {"type": "boolean"}
TEXTS = {"type": "object", "additionalProperties": TEXT}
QUANTITY = {"anyOf": [{"type": "integer"}, {"type": "string"}]}
FREE = ("Status", "ManagedFieldsEntry", "Affinity")
"""Ends of names of types whose inside is not looked at."""


def closed(required: tuple[str, ...] = (), **fields: Any) -> dict[str, Any]:
    """An object with these fields and no others."""
    value = {"type": "object", "properties": fields, "additionalProperties": False}
    return {**value, "required": list(required)} if required else value


def one_of(*names: str) -> dict[str, Any]:
    return {"enum": list(names)}


def many(item: Any) -> dict[str, Any]:
    return {"type": "array", "items": item}


def of(name: str) -> dict[str, Any]:
    return {"$ref": f"#/definitions/{name}"}


POD = of("V1PodTemplateSpec")
GROUP = {
    "rayStartParams": TEXTS,
    "template": POD,
    "resources": {"type": "object", "additionalProperties": QUANTITY},
    "labels": TEXTS,
}
KUBERAY = {
    "RayJob": closed(
        ("apiVersion", "kind", "metadata", "spec"),
        apiVersion=one_of("ray.io/v1"),
        kind=one_of("RayJob"),
        metadata=of("V1ObjectMeta"),
        spec=of("RayJobSpec"),
    ),
    "RayJobSpec": closed(
        activeDeadlineSeconds=NUMBER,
        preRunningDeadlineSeconds=NUMBER,
        backoffLimit=NUMBER,
        rayClusterSpec=of("RayClusterSpec"),
        submitterPodTemplate=POD,
        metadata=TEXTS,
        clusterSelector=TEXTS,
        submitterConfig=closed(backoffLimit=NUMBER),
        managedBy=one_of("ray.io/kuberay-operator", "kueue.x-k8s.io/multikueue"),
        deletionStrategy={"type": "object"},
        entrypoint=TEXT,
        runtimeEnvYAML=TEXT,
        jobId=TEXT,
        submissionMode=one_of("K8sJobMode", "HTTPMode", "InteractiveMode", "SidecarMode"),
        entrypointResources=TEXT,
        entrypointNumCpus={"type": "number"},
        entrypointNumGpus={"type": "number"},
        ttlSecondsAfterFinished=NUMBER,
        shutdownAfterJobFinishes=YES_NO,
        suspend=YES_NO,
    ),
    "RayClusterSpec": closed(
        ("headGroupSpec",),
        suspend=YES_NO,
        managedBy=one_of("ray.io/kuberay-operator", "kueue.x-k8s.io/multikueue"),
        authOptions=closed(
            mode=one_of("disabled", "token"), secretName=TEXT, enableK8sTokenAuth=YES_NO
        ),
        autoscalerOptions=closed(
            resources=of("V1ResourceRequirements"),
            image=TEXT,
            imagePullPolicy=one_of("Always", "Never", "IfNotPresent"),
            securityContext=of("V1SecurityContext"),
            idleTimeoutSeconds=NUMBER,
            upscalingMode=one_of("Default", "Aggressive", "Conservative"),
            version=one_of("v1", "v2"),
            env=many(of("V1EnvVar")),
            envFrom=many(of("V1EnvFromSource")),
            volumeMounts=many(of("V1VolumeMount")),
        ),
        headServiceAnnotations=TEXTS,
        enableInTreeAutoscaling=YES_NO,
        gcsFaultToleranceOptions={"type": "object"},
        upgradeStrategy=closed(type=one_of("Recreate", "None")),
        headGroupSpec=closed(
            ("template",),
            **GROUP,
            headService={"type": "object"},
            enableIngress=YES_NO,
            serviceType=one_of("ClusterIP", "NodePort", "LoadBalancer", "ExternalName"),
        ),
        rayVersion=TEXT,
        workerGroupSpecs=many(
            closed(
                ("groupName", "template", "minReplicas", "maxReplicas"),
                **GROUP,
                groupName=TEXT,
                suspend=YES_NO,
                replicas=NUMBER,
                minReplicas=NUMBER,
                maxReplicas=NUMBER,
                idleTimeoutSeconds=NUMBER,
                numOfHosts=NUMBER,
                scaleStrategy=closed(workersToDelete=many(TEXT)),
            )
        ),
    ),
}
KINDS = ("V1PersistentVolumeClaim", "V1ServiceAccount", "V1NetworkPolicy", "V1PodTemplateSpec")


def definitions(models: Path) -> dict[str, Any]:
    """Schemas of the kinds and of all that they hold."""
    found: dict[str, Any] = {}
    waiting = [*KINDS, "V1ResourceRequirements", "V1EnvVar", "V1EnvFromSource"]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        if name.endswith(FREE):
            found[name] = {"type": "object"}
            continue
        types, keys = fields(models, name)
        found[name] = closed(**{keys[field]: schema(kind) for field, kind in types.items()})
        waiting += [one for kind in types.values() for one in re.findall(r"\b\w*V\d\w+", kind)]
    return found


def fields(models: Path, name: str) -> tuple[dict[str, str], dict[str, str]]:
    """A model's fields: their types, and how they are spelt."""
    plain = name.replace("_", "").lower()  # V1HTTPGetAction is in v1_http_get_action.py
    (file,) = (one for one in models.glob("*.py") if one.stem.replace("_", "") == plain)
    values = {
        node.target.id: ast.literal_eval(node.value)
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.AnnAssign)
        and isinstance(node.target, ast.Name)
        and node.target.id in ("openapi_types", "attribute_map")
        and node.value is not None
    }
    return values["openapi_types"], values["attribute_map"]


def schema(kind: str) -> dict[str, Any]:
    """The schema of a type, as the client writes it."""
    inner = re.fullmatch(r"(List|Dict)\[(?:str, )?(.+)\]", kind)
    if inner and inner[1] == "List":
        return many(schema(inner[2]))
    if inner:
        value = QUANTITY if inner[2] == "str" else schema(inner[2])
        return {"type": "object", "additionalProperties": value}
    plain = {"str": TEXT, "int": NUMBER, "bool": YES_NO, "float": {"type": "number"}}
    if kind in plain:
        return plain[kind]
    return of(kind) if re.fullmatch(r"\w*V\d\w+", kind) else {}


def main() -> None:
    folder = Path(sys.argv[1]) / "kubernetes" / "client" / "models"
    value = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$comment": "Made by make_schema.py, which says of what; not edited by hand.",
        "definitions": {**KUBERAY, **dict(sorted(definitions(folder).items()))},
    }
    out = Path(__file__).with_name("schema.json")
    out.write_text(json.dumps(value, separators=(",", ":"), sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
