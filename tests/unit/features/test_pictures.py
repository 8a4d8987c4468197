"""Pictures: which column of an items table names them, and which texts are addresses of one."""

from __future__ import annotations

import polars as pl
import pytest

from features.online.pictures import FILE, pictures_of, read_pictures, write_pictures

A, B = "https://shop.example/a.jpg", "https://cdn.shop.example/b.png?w=200&h=300"


@pytest.mark.parametrize("column", ["image_url", "Image", "Image Src", "picture", "img", "image-link", "thumbnail"])
def test_the_usual_names_of_a_picture_column_are_known(column):
    items = pl.DataFrame({"item_id": ["i2", "i1", "i3"], column: [B, f"  {A} ", None]})
    assert pictures_of(items).rows() == [("i1", A), ("i2", B)]


def test_of_several_pictures_the_first_is_taken_and_the_better_column_wins():
    items = pl.DataFrame(
        {
            "item_id": ["i1", "i2", "i3"],
            "thumbnail": [A, A, A],
            "images": [[B, A], [], None],
            "image_url": [f"{B}|{A}", f"{B}, {A}", None],
        }
    )
    assert pictures_of(items).rows() == [("i1", B), ("i2", B), ("i3", A)]


@pytest.mark.parametrize(
    "text",
    ["http://shop.example/a.jpg", "javascript:alert(1)", "//shop.example/a.jpg", "a.jpg", "", "data:image/png;base64,x"]
    + ['https://x/"onerror=alert(1)', "https://x/<script>", "https://" + "x" * 3000, "HTTPS://X/a.jpg"],
)
def test_what_is_no_https_address_is_no_picture(text):
    assert pictures_of(pl.DataFrame({"item_id": ["i1"], "image": [text]})).is_empty()


def test_tables_without_pictures_leave_no_file(tmp_path):
    for items in (
        pl.DataFrame({"item_id": ["i1"], "title": ["x"]}),
        pl.DataFrame({"item_id": ["i1"], "image": [5]}),
        pl.DataFrame({"item_id": ["i1"], "image": [None]}, schema={"item_id": pl.String, "image": pl.String}),
    ):
        write_pictures(items, tmp_path)
        assert not (tmp_path / FILE).exists()
    assert read_pictures(tmp_path, ["i1"]) == []


def test_a_release_folder_gives_them_in_the_order_of_its_vocabulary(tmp_path):
    write_pictures(pl.DataFrame({"item_id": ["i1", "i2", "i3"], "image": [A, None, B]}), tmp_path)
    assert read_pictures(tmp_path, ["i3", "i2", "other", "i1"]) == [B, None, None, A]
