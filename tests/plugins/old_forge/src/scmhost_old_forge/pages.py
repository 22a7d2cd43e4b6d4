"""URL templates of Old Forge's pages."""

from scmhost.sdk import Pages

# YOURS: the pages of your host. One template builds a link and reads it back. The tokens are {repo_url} {path} {ref}
# {branch} {tag} {commit} {line} {end_line}; a part in [brackets] is left out when its value is missing.
# For a known kind of host use a preset: PAGES = preset("gitea").pages
PAGES = Pages(
    view="{repo_url}/show/{ref|segment}/{path}",
    anchor="#L{line}[-L{end_line}]",
    commit="{repo_url}/commit/{commit}",
)
