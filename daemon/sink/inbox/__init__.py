"""The web inbox: every mail that the sink has stored, for people to look at in a browser.

    letter   one mail taken apart: headers, text, HTML, attachments; pure
    box      the newest mails, searched, and who waits for the next one
    pages    what a browser is answered; the one file that needs more than the standard library

`inbox.html`, `inbox.css` and `inbox.js` are the page itself.
"""
