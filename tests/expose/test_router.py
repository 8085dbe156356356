"""The router's tree by itself: which of the routes that a path fits is found, and what it catches."""

from __future__ import annotations

import pytest

from naftiko.expose.rest.router import Router, UndecodablePath, decoded, route_shape


def router(*paths: str, spans: tuple[str, ...] = ()) -> Router[str]:
    made: Router[str] = Router()
    for path in (*paths, *spans):
        made.add(path, path, spans=path in spans)
    return made


def found(routes: Router[str], path: str):
    return routes.find(path, lambda route: route)


@pytest.mark.parametrize(
    ("path", "route", "values"),
    [
        ("/a/b", "/a/b", ()),
        ("/a/x.json", "/a/{n}.json", ("x",)),
        ("/a/x.xml", "/a/{n}.xml", ("x",)),
        ("/a/x", "/a/{n}", ("x",)),
        ("/a/x%2Fy", "/a/{n}", ("x%2Fy",)),
        ("/a/%62", "/a/b", ()),  # encoded without need
        ("/a/b/c", "/a/{n}/c", ("b",)),  # the fixed one leads nowhere
        ("/a/x.json/c", "/a/{n}/c", ("x.json",)),  # nor does the mixed one
        ("/a/x.json/d", "/a/{n}.json/d", ("x",)),
        ("/a/", None, None),
        ("/a", None, None),
        ("/a/b/", None, None),
        ("/a/x/e", None, None),
        ("/A/b", None, None),
        ("/a/%FF", "/a/{n}", ("%FF",)),
    ],
)
def test_the_most_fixed_route_that_leads_somewhere(path, route, values):
    paths = ("/a/{n}", "/a/{n}.json", "/a/{n}.xml", "/a/b", "/a/b/x", "/a/{n}/c", "/a/{n}.json/d")
    for ordered in (paths, paths[::-1]):
        assert found(router(*ordered), path) == (None if route is None else (route, values))


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("/f/a", ("a",)),
        ("/f/a/b%2Fc/", ("a/b%2Fc/",)),
        ("/f/", ("",)),
        ("/f", None),
        ("/g/1/rest/of/it", ("1", "rest/of/it")),
        ("/g/1", None),
        ("/h/fixed", ()),
        ("/h/fixed/more", None),
        ("/h/other", None),
        ("/i/a.json", ("a",)),
        ("/i/a.json/b", None),
    ],
)
def test_only_a_last_placeholder_of_its_own_catches_the_rest(path, values):
    match = found(router(spans=("/f/{path}", "/g/{n}/{path}", "/h/fixed", "/i/{path}.json")), path)
    assert (match and match[1]) == values


def test_a_fixed_route_is_before_the_rest_and_what_it_lacks_is_not():
    routes = router("/f/a", spans=("/f/{path}",))
    assert found(routes, "/f/a") == ("/f/a", ())
    assert routes.find("/f/a", lambda route: route if "{" in route else None) == ("/f/{path}", ("a",))
    routes.add("/f/{n}/{m}.json/x", "deep")
    assert found(routes, "/f/a/b.json") == ("/f/{path}", ("a/b.json",))  # where a placeholder leads nowhere
    assert routes.every("/f/a") == ["/f/a", "/f/{path}"]
    assert routes.every("/g") == []


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("/a/{x}", "/a/{{y}}", True),
        ("/a/{x}.json", "/a/{y}.json", True),
        ("/a/{x}.json", "/a/{y}.xml", False),
        ("/a", "/a/", False),
        ("/a/{x}", "/a/x", False),
        ("a", "/a", True),
    ],
)
def test_two_routes_of_one_path_are_one(first, second, same):
    routes = router(first)
    assert routes.add(second, second) == (first if same else second)
    if first.startswith("/"):
        assert (route_shape(first) == route_shape(second)) is same


def test_the_first_of_two_that_catch_the_rest_is_found():
    routes: Router[str] = Router()
    assert [routes.add("/f/{p}", name, spans=True) for name in "ab"] == ["a", "a"]


def test_a_segment_is_utf_8():
    assert [decoded(text) for text in ("a", "%C3%A9", "a%2Fb", "100%")] == ["a", "é", "a/b", "100%"]
    with pytest.raises(UndecodablePath, match="not UTF-8"):
        decoded("%FF")
