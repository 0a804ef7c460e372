"""When carers cannot come: nobody sends them anywhere then, whichever agency they work for."""
