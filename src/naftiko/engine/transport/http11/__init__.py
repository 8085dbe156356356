"""HTTP/1.1 (RFC 9112) on asyncio's transports and llhttp's parser: what a call needs of a client, and no more.

``origin`` and ``outgoing`` say what is written, ``reading`` what comes of it, ``connection`` joins the two on a socket,
``connecting`` opens sockets, ``exchanges`` keeps them and sends each request on one of them.
"""
