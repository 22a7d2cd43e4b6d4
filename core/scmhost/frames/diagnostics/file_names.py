"""Which printed texts name a file: the difference between ``cart.py:12`` and ``example.com:443``.

A file has a known extension, a known name such as ``Makefile``, or a folder. A path without folders is the easiest to
confuse with a host, an attribute or a number, so what surrounds it counts, too.
"""

import re
from functools import lru_cache
from typing import Final

from scmhost.frames.frame import Pattern, extension_of, is_source

_EXTENSIONS: Final = {
    "configuration and data": "tf tfvars hcl sql yml yaml toml json json5 jsonc ini cfg conf cnf properties xml xsd xsl"
    " xslt wsdl dtd plist proto thrift capnp graphql gql avsc nix dhall cue rego jsonnet libsonnet service timer socket"
    " desktop lock env rules cwl tscn prisma bicep pkl kdl ron slint wit templ fbs avdl smithy raml puml gv mmd"
    " plantuml arb xcconfig storyboard xib pbxproj podspec cabal ebuild ragel g4 pest lark ebnf peg",
    "pages and styles": "html htm xhtml css scss sass less styl md mdx markdown rst adoc astro hbs mustache ejs erb pug"
    " liquid njk j2 jinja jinja2 tmpl tpl gotmpl ftl svg xaml qml ipynb tex bib typ",
    "building and running": "sh bash zsh fish ksh bats cmake mk mak ninja bzl bazel buck build gn gni csproj vbproj"
    " fsproj vcxproj sln props targets nuspec mod sum wdl nf smk robot feature ps1 psm1 psd1 bat cmd pp",
    "other languages": "lua nim nims nimble cr jl r rmd qmd hs lhs ml mli mll mly zig el lisp scm rkt cljs edn purs elm"
    " gleam re res rei fsi vbs coffee ls iced f f77 f90 f95 f03 f08 for adb ads pas dpr lpr d v sv svh vhd vhdl asm s t"
    " sol vy move cairo gd glsl hlsl wgsl shader usf metal y yy l ll vala vapi cls trigger cob cbl cpy sas ado m4 ac am"
    " tcl sed jq rc ino frag vert lean agda idr pot po ur wat wast pyi rbi rbs odin hx bas frm abap apex idr2 lsp chs"
    " awk mlt opam mojo roc bal pony ispc scad stan sage ahk au3 nsi wxs asy nut",
    "texts": "csv tsv patch diff",
}
_KNOWN_EXTENSIONS: Final = frozenset(extension for kind in _EXTENSIONS.values() for extension in kind.split())
_BUILD_FILES: Final = (
    "makefile gnumakefile dockerfile containerfile jenkinsfile snakefile vagrantfile gemfile rakefile podfile fastfile"
    " appfile brewfile guardfile capfile berksfile thorfile dangerfile justfile tiltfile earthfile procfile pipfile"
    " caddyfile sconstruct sconscript cmakelists.txt requirements.txt kconfig kbuild workflowscript"
)
_DOT_FILES: Final = (
    ".gitignore .gitattributes .gitmodules .dockerignore .env .bashrc .bash_profile .profile .zshrc .zprofile .zshenv"
    " .vimrc .npmrc .eslintrc .babelrc .prettierrc .editorconfig .htaccess .rspec .irbrc .pylintrc"
)
_NAMES: Final = frozenset((*_BUILD_FILES.split(), *_DOT_FILES.split()))
# Names that are ordinary words without a folder before them.
_NAMES_IN_FOLDERS: Final = frozenset(("build", "workspace", "buck", "owners", "codeowners", "crontab", "kustomization"))

_STEM_AND_EXTENSION: Final = Pattern(r"(?:^|.*[/\\])[^/\\]*[^/\\.]\.[A-Za-z][\w+]{0,11}$")
_ROOTED: Final = Pattern(
    r"(?:\.{1,3}|~|\.(?:git|github|config|ssh|aws|vscode|husky|circleci))[/\\]"
    r"|[A-Za-z]:[/\\]|/[\w.@~+-]{1,100}/|\\\\[\w.-]+\\"
)
# "/v1/orders:12" and "/topic/a:3" are no files; these folders hold some.
_UNIX_ROOTS: Final = Pattern(
    r"/(?:etc|usr|home|srv|opt|var|tmp|root|app|builds?|workspaces?|work|src|code|data|mnt|private|Users|Volumes|nix|bin"
    r"|s?bin|lib|dev-?\w*|github|runner|repo|project|cache|export)/"
)
# "/bin/sh: 1: cd: no such folder" counts the lines of a command.
_SHELL: Final = Pattern(r"/(?:usr/(?:local/)?)?bin/(?:ba|da|k|z|fi)?sh$")
_HOST: Final = Pattern(r"(?:[\w-]{1,63}\.){1,6}[a-z]{2,24}[/\\]")
_WORD: Final = Pattern(r"[^\W\d_]")
# Attributes of objects are often called so: "point.x", "box.h", "this.res".
_ATTRIBUTES: Final = "c h d v s t f l y r m q cc hh in do el ls re res mod sum build rules lock env socket props"
_SHORT: Final = frozenset(_ATTRIBUTES.split())
_HOSTS: Final = Pattern(
    r"(?:[\w-]{1,63}\.){2,6}(?:rs|sh|pl|md|cc|py|ml|sc|in|tf|mm|cr|jl|ps|st|la|ms|vc|nr|do|re|ls|mk)$"
)
# "node.js:18" is an image, and "next.js#12" an issue.
_PRODUCTS: Final = "node.js next.js vue.js nuxt.js three.js d3.js react.js angular.js express.js"
_RELEASED: Final = frozenset(_PRODUCTS.split())
# "docker.io/acme/shop.js:12" is an image, and "me@acme.rs:22" an address.
_REGISTRY: Final = Pattern(
    r"(?:[\w-]{1,63}\.){0,4}(?:(?:docker|ghcr|quay|gcr|azurecr)\.io|pkg\.dev|amazonaws\.com)[/:]"
)
_ADDRESS: Final = Pattern(r"[\w.-]{1,100}@[A-Za-z]")
# The port of a URL: "localhost:8080/cart.js".
_PORT: Final = Pattern(r"\d{2,5}/")


@lru_cache(maxsize=1024)
def has_folder(path: str) -> bool:
    """Return whether the path has a separator, and is no URL and no host with a path."""
    return ("/" in path or "\\" in path) and not path.startswith("//")


@lru_cache(maxsize=1024)
def has_file_name(path: str) -> bool:
    """Return whether the last part of the path is the name of a file of a known kind."""
    name = path[max(path.rfind("/"), path.rfind("\\")) + 1 :].lower()
    if name in _NAMES or name.startswith(("dockerfile.", "makefile.")) or name.endswith((".dockerfile", ".mk")):
        return True
    if name in _NAMES_IN_FOLDERS:
        return has_folder(path)
    if not _STEM_AND_EXTENSION.match(path):
        return False
    return is_source(path) or extension_of(path) in _KNOWN_EXTENSIONS


@lru_cache(maxsize=1024)
def may_be_a_file(path: str) -> bool:
    """Return whether the path names a file of a known kind, or any file in a folder."""
    if path.startswith("node:"):
        return True
    if path.startswith("//") or "://" in path.removeprefix("file://") or not _WORD.search(path):
        return False
    if has_file_name(path):
        return not (_HOSTS.match(path) or _REGISTRY.match(path))
    if not has_folder(path):
        return False
    if path.startswith("/"):
        return _UNIX_ROOTS.match(path) is not None and not _SHELL.match(path)
    has_extension = _STEM_AND_EXTENSION.match(path) is not None and not _HOST.match(path)
    return has_extension or _ROOTED.match(path) is not None


# A character before a bare name that an expression or a list has, but no tool.
_OPERATORS: Final = frozenset("?!&*;{+-^%,@#$")


def stands_alone(path: str, before: str) -> bool:
    """Return whether a path that ``may_be_a_file`` is a file where it stands, and not a part of an expression.

    Args:
        path: the path.
        before: the characters of the line before it; the last two are enough.
    """
    if has_folder(path):
        is_behind_host = before[-1:] == ":" and before[-2:-1].isalnum() and _PORT.match(path)
        return before[-1:] not in ("?", "&", "!") and before[-2:] != "||" and not is_behind_host
    if before[-1:] in _OPERATORS or before[-2:] in ("||", "==", "=>", "</"):
        return False
    if path.lower() in _RELEASED or _ADDRESS.match(path):
        return False
    if extension_of(path) not in _SHORT:
        return True
    # A class of a style sheet: ".box.s:12".
    if path[0] == ".":
        return False
    # An index or a call: "pixels[box.h:12]", "f(a.c:1)".
    return not before or before[-1] in " \t\"'`" or (before[-1] in "([" and not re.match(r"[\w)]", before[-2:-1]))
