"""URLs of code hosts: build them from templates, and read them back.

From the lowest module to the highest:

========================  ==========================================================
``safety``, ``escaping``  which URLs are allowed; escaping of values
``templates``             the template language
``matching``              match a URL against a template: the reverse of rendering
``ref_links``             branches, tags and commits; URLs of many files of one repository at one ref
``page_templates``        the templates of a code host, and values of a repository
``page_reading``          the locations that a page's URL may mean
``pages``                 validated templates; the link hooks of most plugins
``presets``               known code hosts (``hosts/*.toml``), and their recognition
``addresses``             the parts of a clone URL
``remotes``               from a clone URL to a repository's web page
``page_requests``         any page from partial information
========================  ==========================================================

The package imports nothing itself: ``scmhost link`` needs ``plain_links`` alone at most starts.
"""
