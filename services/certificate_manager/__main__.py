"""Entry of `python -m services.certificate_manager`."""

from services.certificate_manager.actor import CertificateManager
from shared.actor import main

if __name__ == "__main__":
    main(CertificateManager)
