"""PDFs that cannot be read: damaged, encrypted, far too long, only pictures, or made to attack the reader."""

from __future__ import annotations

import io
import zlib

from fpdf import FPDF
from fpdf.enums import AccessPermission, EncryptionMethod

from tests.fulltext.printing import print_paper


def malformed() -> bytes:
    """Print a paper, and cut off all after its first third, with the table of its objects."""
    data = print_paper("hivetone").data
    return data[: len(data) // 3].replace(b"obj", b"0bj")


def encrypted(password: str = "read me not") -> bytes:
    pdf = FPDF(format=(420, 595), unit="pt")
    pdf.set_encryption("owner", password, EncryptionMethod.AES_128, AccessPermission.none())
    _write(pdf, "A paper that only its owner reads. " * 20)
    return bytes(pdf.output())


def long(pages: int = 2000) -> bytes:
    pdf = FPDF(format=(420, 595), unit="pt")
    pdf.set_font("Helvetica", size=10)
    for number in range(pages):
        pdf.add_page()
        pdf.text(50, 300, f"Page {number} of proceedings.")
    return bytes(pdf.output())


def pictures() -> bytes:
    """Make two pages like a scanner's, each a picture."""
    from PIL import Image, ImageDraw

    pdf = FPDF(format=(420, 595), unit="pt")
    for _ in range(2):
        page = Image.new("L", (400, 560), 255)
        ImageDraw.Draw(page).text((40, 40), "All of this is a picture.", fill=0)
        pdf.add_page()
        pdf.image(page, 0, 0, 420, 595)
    return bytes(pdf.output())


def swelling(size: int = 60 << 20) -> bytes:
    """Make a page of millions of strokes: `size` bytes, compressed to a thousandth."""
    packer = zlib.compressobj(9)
    packed = io.BytesIO()
    block = b"0 0 m\n" * (1 << 17)
    for _ in range(size >> 20):
        packed.write(packer.compress(block))
    packed.write(packer.flush())
    stream = packed.getvalue()
    parts = [
        b"1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj\n",
        b"2 0 obj <</Type/Pages/Kids[3 0 R]/Count 1>> endobj\n",
        b"3 0 obj <</Type/Page/Parent 2 0 R/MediaBox[0 0 400 600]/Resources<<>>/Contents 4 0 R>> endobj\n",
        b"4 0 obj <</Filter/FlateDecode/Length %d>> stream\n" % len(stream) + stream + b"\nendstream endobj\n",
    ]
    whole, places = b"%PDF-1.7\n", []
    for part in parts:
        places.append(len(whole))
        whole += part
    rows = b"".join(b"%010d 00000 n \n" % place for place in places)
    table = b"xref\n0 5\n0000000000 65535 f \n" + rows
    return whole + table + b"trailer <</Size 5/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % len(whole)


def _write(pdf: FPDF, text: str) -> None:
    pdf.add_page()
    pdf.set_font("Helvetica", size=10)
    pdf.multi_cell(0, text=text)
