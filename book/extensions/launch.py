"""The buttons above every page: where its notebook runs, and what there is to take home.

Every address comes from _config.yml (repository, launch_buttons). The theme makes the buttons of a notebook's page; a page of text opens the folder
of all notebooks instead. Nothing is asked from another host before a reader presses.
"""

from urllib.parse import urlparse

ZIP = "_static/downloads/learning-in-motion-{who}.zip"  # tools/downloads.py writes them
DOWNLOADS = {
    "students": ("Notebooks for students (.zip)", "Every chapter with its exercises, hints and checks"),
    "teachers": ("Notebooks for teachers (.zip)", "The same, with the solutions"),
}


def link(text, url, *, tooltip, icon, label):
    return {"type": "link", "text": text, "url": url, "tooltip": tooltip, "icon": icon, "label": label}


def everything(options):
    """The launch buttons of a page without a notebook: Binder with the folder of notebooks, Colab with a list of them."""
    launch, repository = options["launch_buttons"], options["repository_url"]
    project, branch = urlparse(repository).path.strip("/"), options["repository_branch"]
    binder = f"{launch['binderhub_url']}/v2/gh/{project}/{branch}?urlpath=lab/tree/{options['path_to_docs']}"
    colab = f"{launch['colab_url']}/github/{project}/blob/{branch}"
    return {
        "type": "group", "tooltip": "Launch interactive content", "icon": "fas fa-rocket", "label": "launch-buttons",
        "buttons": [link("Binder", binder, tooltip="All notebooks on Binder", icon="_static/images/logo_binder.svg", label="launch-binder"),
                    link("Colab", colab, tooltip="All notebooks on Colab", icon="_static/images/logo_colab.png", label="launch-colab")],
    }  # fmt: skip


def downloads(page, pathto, *, notebook):
    """What can be taken home from a page: its own notebook, where it has one, and the two collections."""
    source = pathto(f"_sources/{page}.ipynb", 1)
    own = [link("This notebook (.ipynb)", source, tooltip="As the repository has it", icon="fas fa-file", label="download-source-button")]
    both = [link(text, pathto(ZIP.format(who=who), 1), tooltip=tooltip, icon="fas fa-box-archive", label=f"download-{who}")
            for who, (text, tooltip) in DOWNLOADS.items()]  # fmt: skip
    return {"type": "group", "tooltip": "Download", "icon": "fas fa-download", "label": "download-buttons", "buttons": own * notebook + both}


def dress(app, page, template, context, doctree):
    """Put the two groups where the theme has its own; printing is the browser's."""
    notebook = doctree is not None and str(app.env.doc2path(page)).endswith(".ipynb")
    theirs = [b for b in context.get("header_buttons", []) if b.get("label") != "download-buttons"]
    launch = [] if any(b.get("label") == "launch-buttons" for b in theirs) else [everything(app.config.html_theme_options)]
    context["header_buttons"] = [*launch, *theirs, downloads(page, context["pathto"], notebook=notebook)]


def setup(app):
    app.connect("html-page-context", dress, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
