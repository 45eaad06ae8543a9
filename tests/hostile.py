"""Names that a stranger's files may have: each acts somewhere, if it is let."""

import json

NAMES = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(2)>',
    "</script></style></title><script>alert(3)</script>",
    "<a href='javascript:alert(4)'>a</a><b>b</b><svg onload=alert(5)>",
    "' onmouseover=alert(6) '",
    "javascript:alert(7)",
    "{{7*7}}{% raw %}${7*7}",
    "__proto__",
    "constructor",
    "a\u2028b\u2029c\u202ed\u2066",
    "\x1b[2J\x1b]8;;http://evil\x1b\\\x1b]52;c;ZQ==\x07\x9b31m\x00\x08",
    "a\r\nerror: b\n| c | d |\n|---|---|\n# e",
    '=HYPERLINK("http://evil")',
    "+1+1",
    "@SUM(1+1)",
    "＝1+1",
    ' "=1+1',
    "a;=1+1",
    "\\input{/etc/passwd}\\end{tabular}$x^2$_%&#~",
    "[1pt]",
    "*",
    "$\\frac{1}{",
    "[/red][link=http://evil]a[/link] :fire:",
    "%{x} %{y} %{customdata}",
    "http://evil.example www.evil.example [a](http://evil)",
    "\ud800\udc9b",
    "関節 é ŀ ∑ 🏃",
    "&lt;script&gt;&#60;",
]
TOGETHER = " ".join(NAMES)


def spoil_summary(path, name):
    """Give a summary.json a name wherever it takes one."""
    summary = json.loads(path.read_text())
    source = summary["provenance"]
    summary |= {"metric": name, "warnings": [name]}
    source |= dict.fromkeys(("box_protocol", "profile", "frost_textures"), name)
    source["dataset"] |= {"name": name, "metric": name}
    source["estimator"] |= {"name": name, "input": name, name: {name: [name]}}
    source["versions"] = {"robustpose": name}
    source["row"] = {"name": "coco-c/sbl_r50_256x192", "differences": [name]}
    path.write_text(json.dumps(summary))
