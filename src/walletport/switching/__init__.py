"""From one custodian to another: a wallet at the target for every customer of the source, then the cut-over.

``machine`` says what comes next for one customer, ``walking`` goes through all of them, ``planning`` counts them and
commits what is to be done, ``moving`` carries one customer on, ``cutover`` changes the current wallet and takes that
back, ``run`` holds it together, ``report`` accounts for everybody.
"""
