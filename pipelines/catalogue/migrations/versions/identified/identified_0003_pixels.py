"""what was done to the pixels of a released object"""

from alembic import op
import sqlalchemy as sa

revision = 'identified_0003'
down_revision = 'identified_0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('released_object', schema=None) as batch_op:
        batch_op.add_column(sa.Column('pixels', sa.String(), server_default='', nullable=False))


def downgrade() -> None:
    with op.batch_alter_table('released_object', schema=None) as batch_op:
        batch_op.drop_column('pixels')
