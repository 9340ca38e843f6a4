"""How clients speak to each broker: no more than a load needs, on a bare TLS connection, with bytes made beforehand."""
