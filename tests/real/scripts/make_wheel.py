"""Write dist/demo-1.0 and dist/demo-1.1, wheels with a module and a console script; the bytes are always the same."""

import base64
import hashlib
import pathlib
import zipfile

WHEEL = "Wheel-Version: 1.0\nGenerator: make_wheel\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def record_line(name: str, content: str) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content.encode()).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(content)}\n"


def make(version: str) -> None:
    information = f"demo-{version}.dist-info"
    files = {
        "demo/__init__.py": f"def answer():\n    return 42, {version!r}\n\n\ndef main():\n    print(answer())\n",
        f"{information}/METADATA": f"Metadata-Version: 2.1\nName: demo\nVersion: {version}\n",
        f"{information}/WHEEL": WHEEL,
        f"{information}/entry_points.txt": "[console_scripts]\ndemo = demo:main\n",
    }
    files[f"{information}/RECORD"] = "".join(record_line(*file) for file in files.items()) + f"{information}/RECORD,,\n"
    with zipfile.ZipFile(f"dist/demo-{version}-py3-none-any.whl", "w") as wheel:
        for name, content in files.items():
            wheel.writestr(zipfile.ZipInfo(name, (2001, 2, 3, 4, 5, 6)), content)


pathlib.Path("dist").mkdir()
make("1.0")
make("1.1")
